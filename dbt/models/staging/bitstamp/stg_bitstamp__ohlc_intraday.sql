{{ intraday_candle(ref('hist_bitstamp__ohlc_intraday'), 'market_symbol', []) }}
