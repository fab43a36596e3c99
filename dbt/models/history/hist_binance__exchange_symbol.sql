{{ history_of('binance', 'exchange_info', key=['symbol']) }}
