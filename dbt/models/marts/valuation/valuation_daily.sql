with valuation as (
    select * from {{ ref('int_valuation_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        valuation.asset_id,
        valuation.day,
        valuation.sector,
        valuation.protocol_id,
        valuation.price_usd,
        valuation.supply_circulating_native,
        valuation.supply_circulating_source,
        valuation.supply_circulating_staleness_d,
        valuation.supply_second_native,
        valuation.supply_gap_frac,
        valuation.is_supply_disputed as supply_disputed,
        valuation.supply_onchain_native,
        valuation.supply_freefloat_native,
        valuation.supply_total_native,
        valuation.supply_max_native,
        valuation.supply_diluted_native,
        valuation.is_supply_contradictory,
        valuation.fdv_basis,
        valuation.mcap_usd,
        valuation.mcap_basis,
        valuation.fdv_usd,
        valuation.float_frac,
        valuation.tvl_usd,
        valuation.fees_7d_usd,
        valuation.fees_30d_usd,
        valuation.fees_ann_usd,
        valuation.fees_ann_dl_usd,
        valuation.revenue_30d_usd,
        valuation.revenue_ann_usd,
        valuation.holders_revenue_30d_usd,
        valuation.pf_circ_x,
        valuation.pf_fdv_x,
        valuation.pf_circ_dl_x,
        valuation.ps_circ_x,
        valuation.ps_fdv_x,
        valuation.take_rate_frac,
        valuation.holder_yield_frac,
        valuation.mcap_tvl_x,
        valuation.fee_yield_on_tvl_frac,
        valuation.volume_to_mcap_x,
        valuation.token_to_equity_ratio,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from valuation
    cross join build_stamp
)

select * from final
order by asset_id, day
