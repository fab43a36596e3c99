{{ intraday_candle(ref('hist_kraken__ohlc_intraday'), 'pair', ['vwap_quote', 'trade_count']) }}
