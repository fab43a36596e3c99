{{ intraday_candle(ref('hist_bybit__kline_intraday'), 'symbol', ['volume_quote']) }}
