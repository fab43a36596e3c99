{{ history_of('binance_futures', 'funding_info', key=['symbol']) }}
