{{ config(severity='warn') }}

with own as (
    select * from {{ ref('int_market_candle_raw_daily') }}
    where not is_rolled_up
),

rollup as (
    select * from {{ ref('int_market_candle_rollup_daily') }}
    where is_complete
),

candle_config as (
    select * from {{ ref('cfg_candle') }}
    qualify row_number() over (order by version desc) = 1
)

select
    own.venue_id,
    rollup.series_id,
    own.day,
    own.open_quote,
    rollup.open_quote as rollup_open_quote,
    own.high_quote,
    rollup.high_quote as rollup_high_quote,
    own.low_quote,
    rollup.low_quote as rollup_low_quote,
    own.close_quote,
    rollup.close_quote as rollup_close_quote,
    own.volume_base,
    rollup.volume_base as rollup_volume_base
from own
inner join rollup
    on own.venue_id = rollup.venue_id
    and own.symbol = rollup.symbol
    and own.day = rollup.day
cross join candle_config
where greatest(
        abs(rollup.open_quote - own.open_quote) / own.open_quote,
        abs(rollup.high_quote - own.high_quote) / own.high_quote,
        abs(rollup.low_quote - own.low_quote) / own.low_quote,
        abs(rollup.close_quote - own.close_quote) / own.close_quote
    ) > candle_config.rollup_tolerance_frac
    or abs(rollup.volume_base - own.volume_base)
    > candle_config.rollup_tolerance_frac * greatest(rollup.volume_base, own.volume_base)
