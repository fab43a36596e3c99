-- what assets are worth against what they earn and hold
with supply as (
    select * from {{ ref('int_asset_supply_daily') }}
),

market_cap as (
    select * from {{ ref('int_asset_mcap_daily') }}
),

fundamentals as (
    select * from {{ ref('int_token_fundamentals_daily') }}
),

asset as (
    select * from {{ ref('int_asset_registry') }}
),

price as (
    select * from {{ ref('int_asset_price_daily') }}
),

exchange as (
    select * from {{ ref('dim_exchange_curated') }}
),

equity as (
    select * from {{ ref('int_exchange_equity_daily') }}
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

asset_day as (
    select asset_id, day from supply
    union
    select asset_id, day from fundamentals
),

equity_of_token as (
    select exchange.token_asset_id as asset_id, equity.day, equity.equity_mcap_usd
    from exchange
    inner join equity on exchange.equity_exchange_id = equity.exchange_id
    where exchange.token_asset_id is not null
),

joined as (
    select
        asset_day.asset_id,
        asset_day.day,
        coalesce(asset.sector, fundamentals.protocol_sector) as sector,
        fundamentals.protocol_id,
        coalesce(market_cap.price_usd, price.close_usd) as price_usd,
        supply.supply_circulating_native,
        supply.supply_circulating_source,
        supply.supply_circulating_staleness_d,
        supply.supply_second_native,
        supply.supply_gap_frac,
        supply.is_supply_disputed,
        supply.supply_onchain_native,
        supply.supply_freefloat_native,
        supply.supply_total_native,
        supply.supply_max_native,
        supply.supply_diluted_native,
        supply.is_supply_contradictory,
        case when supply.supply_diluted_native is not null then supply.fdv_basis end as fdv_basis,
        market_cap.mcap_usd,
        supply.mcap_basis,
        market_cap.fdv_usd,
        supply.supply_circulating_native / supply.supply_diluted_native as float_frac,
        fundamentals.tvl_usd,
        fundamentals.fees_7d_usd,
        fundamentals.fees_30d_usd,
        fundamentals.revenue_30d_usd,
        fundamentals.holders_revenue_30d_usd,
        fundamentals.dex_volume_30d_usd,
        fundamentals.fees_30d_usd * 365 / 30 as fees_ann_usd,
        fundamentals.fees_30d_usd * defi_config.defillama_annual_x as fees_ann_dl_usd,
        fundamentals.revenue_30d_usd * 365 / 30 as revenue_ann_usd,
        fundamentals.holders_revenue_30d_usd * 365 / 30 as holders_revenue_ann_usd,
        fundamentals.dex_volume_30d_usd * 365 / 30 as dex_volume_ann_usd,
        equity_of_token.equity_mcap_usd,
        defi_config.fees_floor_usd,
        defi_config.tvl_floor_usd
    from asset_day
    -- a stablecoin that is no asset has no valuation
    inner join asset on asset_day.asset_id = asset.asset_id
    cross join defi_config
    left join supply
        on asset_day.asset_id = supply.asset_id
        and asset_day.day = supply.day
    left join market_cap
        on asset_day.asset_id = market_cap.asset_id
        and asset_day.day = market_cap.day
    left join price
        on asset_day.asset_id = price.asset_id
        and asset_day.day = price.day
    left join fundamentals
        on asset_day.asset_id = fundamentals.asset_id
        and asset_day.day = fundamentals.day
    left join equity_of_token
        on asset_day.asset_id = equity_of_token.asset_id
        and asset_day.day = equity_of_token.day
),

final as (
    select
        *,
        case when fees_ann_usd >= fees_floor_usd then mcap_usd / fees_ann_usd end as pf_circ_x,
        case when fees_ann_usd >= fees_floor_usd then fdv_usd / fees_ann_usd end as pf_fdv_x,
        case when fees_ann_dl_usd >= fees_floor_usd then mcap_usd / fees_ann_dl_usd end
        as pf_circ_dl_x,
        case when revenue_ann_usd >= fees_floor_usd then mcap_usd / revenue_ann_usd end
        as ps_circ_x,
        case when revenue_ann_usd >= fees_floor_usd then fdv_usd / revenue_ann_usd end as ps_fdv_x,
        case when fees_30d_usd > 0 then revenue_30d_usd / fees_30d_usd end as take_rate_frac,
        case when mcap_usd > 0 then holders_revenue_ann_usd / mcap_usd end as holder_yield_frac,
        case when tvl_usd >= tvl_floor_usd then mcap_usd / tvl_usd end as mcap_tvl_x,
        case when tvl_usd >= tvl_floor_usd then fees_ann_usd / tvl_usd end
        as fee_yield_on_tvl_frac,
        case when mcap_usd > 0 then dex_volume_ann_usd / mcap_usd end as volume_to_mcap_x,
        case when equity_mcap_usd > 0 then mcap_usd / equity_mcap_usd end as token_to_equity_ratio
    from joined
)

select * from final
