{{ history_of('binance_futures', 'exchange_info', key=['symbol']) }}
