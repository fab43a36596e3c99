{{ intraday_candle(ref('hist_coinbase__candle_intraday'), 'product_id', []) }}
