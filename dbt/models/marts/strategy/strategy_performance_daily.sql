with performance as (
    select * from {{ ref('int_strategy_performance_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        performance.strategy_id,
        performance.day,
        performance.equity,
        performance.ret_1d,
        performance.gross_ret_1d,
        performance.drawdown_frac,
        performance.gross_frac,
        performance.net_frac,
        performance.turnover_frac,
        performance.position_count,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from performance
    cross join build_stamp
)

select * from final
order by strategy_id, day
