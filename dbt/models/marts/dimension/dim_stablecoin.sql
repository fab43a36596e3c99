with stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
),

supply as (
    select distinct stablecoin_id from {{ ref('int_stablecoin_supply_daily') }}
),

price as (
    select distinct stablecoin_id from {{ ref('int_stablecoin_price_daily') }}
),

final as (
    select
        stablecoin.stablecoin_id,
        stablecoin.asset_id,
        stablecoin.defillama_id,
        stablecoin.symbol,
        stablecoin.name,
        stablecoin.mechanism,
        stablecoin.peg_ref,
        stablecoin.units_per_token,
        stablecoin.is_rebasing,
        stablecoin.is_yield_bearing,
        stablecoin.is_double_counted,
        stablecoin.backing_asset_id,
        stablecoin.launch_day,
        stablecoin.dead_from,
        case
            when supply.stablecoin_id is not null or price.stablecoin_id is not null then 'observed'
            when stablecoin.defillama_id is not null then 'mapped'
            else 'no_source'
        end as source_status,
        stablecoin.is_curated,
        stablecoin.note
    from stablecoin
    left join supply on stablecoin.stablecoin_id = supply.stablecoin_id
    left join price on stablecoin.stablecoin_id = price.stablecoin_id
)

select * from final
