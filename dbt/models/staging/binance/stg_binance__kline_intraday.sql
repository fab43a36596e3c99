{{ intraday_candle(ref('hist_binance__kline_intraday'), 'symbol', ['volume_quote', 'trade_count']) }}
