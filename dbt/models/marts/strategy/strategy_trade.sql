with trade as (
    select * from {{ ref('int_strategy_trade') }}
),

bar as (
    select asset_id, day, unit_ratio from {{ ref('int_asset_bar_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        trade.strategy_id,
        trade.asset_id,
        trade.entry_day,
        trade.side,
        trade.entry_usd / entry_bar.unit_ratio as entry_usd,
        trade.stop_usd / entry_bar.unit_ratio as stop_usd,
        trade.entry_equity,
        trade.size_frac,
        trade.exit_day,
        -- what was written off has no bar on its last day
        trade.exit_usd / coalesce(exit_bar.unit_ratio, entry_bar.unit_ratio) as exit_usd,
        trade.exit_reason,
        trade.held_d,
        trade.gross_pnl_frac,
        trade.fee_cost_frac,
        trade.slippage_cost_frac,
        trade.impact_cost_frac,
        trade.borrow_cost_frac,
        trade.funding_cost_frac,
        trade.net_pnl_frac,
        trade.r_multiple,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from trade
    cross join build_stamp
    left join bar as entry_bar
        on trade.asset_id = entry_bar.asset_id
        and trade.entry_day = entry_bar.day
    left join bar as exit_bar
        on trade.asset_id = exit_bar.asset_id
        and trade.exit_day = exit_bar.day
)

select * from final
order by strategy_id, asset_id, entry_day
