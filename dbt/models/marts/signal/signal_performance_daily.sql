with performance as (
    select * from {{ ref('int_signal_performance_daily') }}
),

signal_config as (
    select * from {{ ref('cfg_signal') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        performance.asset_id,
        performance.day,
        cast(performance.effective_signal as bigint) as effective_signal,
        performance.strat_ret,
        performance.strat_index,
        performance.hold_ret,
        performance.hold_index,
        signal_config.cost_bps,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from performance
    cross join signal_config
    cross join build_stamp
)

select * from final
order by asset_id, day
