{{ history_of('coinmetrics', 'catalog', key=['asset', 'metric', 'frequency']) }}
