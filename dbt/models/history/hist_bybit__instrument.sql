{{ history_of('bybit', 'instruments_info', key=['category', 'symbol']) }}
