-- every settlement with the hours since the one before it: the interval that its rate is for. It is
-- an attribute of the settlement, not of the contract: venues change it, even within a day.
-- A distance that no venue uses means that a settlement between is missing: the interval is unknown.
with binance_rate as (
    select * from {{ ref('stg_binance_futures__funding_rate') }}
),

okx_rate as (
    select * from {{ ref('stg_okx__funding_rate') }}
),

bybit_rate as (
    select * from {{ ref('stg_bybit__funding_rate') }}
),

derivative_config as (
    select * from {{ ref('cfg_derivative') }}
    qualify row_number() over (order by version desc) = 1
),

settled as (
    select
        'binance_futures' as source,
        symbol,
        settled_at,
        day,
        cast(rate_frac as double) as rate_frac,
        cast(mark_price_quote as double) as mark_price_quote,
        first_known_at
    from binance_rate

    union all

    select
        'okx' as source,
        inst_id as symbol,
        settled_at,
        day,
        cast(rate_frac as double) as rate_frac,
        cast(null as double) as mark_price_quote,
        first_known_at
    from okx_rate

    union all

    select
        'bybit' as source,
        symbol,
        settled_at,
        day,
        cast(rate_frac as double) as rate_frac,
        cast(null as double) as mark_price_quote,
        first_known_at
    from bybit_rate
),

preceded as (
    select
        *,
        lag(settled_at) over (partition by source, symbol order by settled_at) as settled_before_at
    from settled
),

measured as (
    select
        *,
        {{ hours_between('settled_before_at', 'settled_at') }} as distance_h
    from preceded
),

final as (
    select
        measured.source,
        measured.symbol,
        measured.settled_at,
        measured.day,
        measured.rate_frac,
        case
            when abs(measured.distance_h - round(measured.distance_h))
                <= derivative_config.interval_tolerance_h
                and {{ in_text_list(
                    'cast(cast(round(measured.distance_h) as integer) as varchar)',
                    'derivative_config.funding_intervals_h'
                ) }}
                then round(measured.distance_h)
        end as interval_h,
        measured.mark_price_quote,
        measured.first_known_at
    from measured
    cross join derivative_config
)

select * from final
