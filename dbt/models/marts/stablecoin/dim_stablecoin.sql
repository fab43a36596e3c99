with stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
),

validity as (
    select * from {{ ref('int_stablecoin_interval') }}
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
        validity.valid_from,
        validity.valid_to,
        validity.is_current,
        stablecoin.asset_id,
        stablecoin.defillama_id,
        stablecoin.symbol,
        stablecoin.name,
        validity.mechanism,
        validity.peg_ref,
        validity.units_per_token,
        validity.is_rebasing,
        validity.is_yield_bearing,
        validity.is_double_counted,
        validity.backing_asset_id,
        stablecoin.issuer,
        stablecoin.launch_day,
        stablecoin.dead_from,
        stablecoin.gone_from,
        stablecoin.can_freeze,
        stablecoin.attestation_url,
        stablecoin.last_attestation_day,
        case
            when supply.stablecoin_id is not null or price.stablecoin_id is not null then 'observed'
            when stablecoin.defillama_id is not null then 'mapped'
            else 'no_source'
        end as source_status,
        stablecoin.is_curated,
        validity.note
    from stablecoin
    inner join validity on stablecoin.stablecoin_id = validity.stablecoin_id
    left join supply on stablecoin.stablecoin_id = supply.stablecoin_id
    left join price on stablecoin.stablecoin_id = price.stablecoin_id
)

select * from final
