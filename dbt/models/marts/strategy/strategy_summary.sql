with summary as (
    select * from {{ ref('int_strategy_summary') }}
),

strategy_config as (
    select * from {{ ref('cfg_strategy') }}
    qualify dense_rank() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        summary.strategy_id,
        coalesce(
            strategy_config.asset_id,
            'top_' || cast(strategy_config.top_count as varchar),
            'all'
        ) as universe,
        summary.period,
        strategy_config.definition,
        summary.first_day,
        summary.last_day,
        summary.day_count,
        summary.ret_frac,
        summary.cagr_frac,
        summary.vol_ann,
        summary.sharpe_ann,
        summary.sharpe_ann_se,
        summary.max_drawdown_frac,
        summary.turnover_ann,
        summary.trade_count,
        summary.hit_frac,
        summary.mean_r,
        summary.worst_r,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from summary
    inner join strategy_config on summary.strategy_id = strategy_config.strategy_id
    cross join build_stamp
)

select * from final
order by strategy_id, period
