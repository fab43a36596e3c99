{{ intraday_candle(ref('hist_okx__candle_intraday'), 'inst_id', ['volume_quote']) }}
