{{ history_of('bitstamp', 'markets', key=['market_symbol']) }}
