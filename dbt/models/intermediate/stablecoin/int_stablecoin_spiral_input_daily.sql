-- coins that lean on an asset which can be printed, next to that asset
with peg as (
    select * from {{ ref('int_stablecoin_peg_daily') }}
),

supply as (
    select * from {{ ref('int_stablecoin_value_daily') }}
),

validity as (
    select * from {{ ref('int_stablecoin_interval') }}
    where mechanism in ('algorithmic', 'hybrid') and backing_asset_id is not null
),

mcap as (
    select * from {{ ref('int_asset_mcap_daily') }}
),

asset_supply as (
    select * from {{ ref('int_asset_supply_daily') }}
),

-- a supply that was only carried forward says nothing about printing
backing as (
    select
        mcap.asset_id,
        mcap.day,
        case
            when asset_supply.supply_onchain_staleness_d = 0
                then mcap.supply_onchain_in_first_units
        end as onchain_in_first_units,
        case
            when asset_supply.supply_circulating_staleness_d = 0 then mcap.supply_in_first_units
        end as circulating_in_first_units,
        mcap.price_of_first_unit_usd,
        coalesce(mcap.mcap_usd, mcap.mcap_onchain_usd) as mcap_usd
    from mcap
    left join asset_supply
        on mcap.asset_id = asset_supply.asset_id
        and mcap.day = asset_supply.day
    where mcap.asset_id in (select backing_asset_id from validity)
),

lagged as (
    select
        *,
        {{ value_days_ago('onchain_in_first_units', 3, 'asset_id') }} as onchain_3d_ago,
        {{ value_days_ago('circulating_in_first_units', 3, 'asset_id') }} as circulating_3d_ago,
        {{ value_days_ago('price_of_first_unit_usd', 3, 'asset_id') }} as price_3d_ago_usd
    from backing
),

final as (
    select
        peg.stablecoin_id,
        peg.day,
        validity.backing_asset_id,
        peg.dev_bps,
        supply.net_mint_7d_usd,
        supply.supply_par_usd,
        -- what is on the chain is what was printed
        coalesce(
            case
                when lagged.onchain_3d_ago > 0
                    then lagged.onchain_in_first_units / lagged.onchain_3d_ago - 1
            end,
            case
                when lagged.circulating_3d_ago > 0
                    then lagged.circulating_in_first_units / lagged.circulating_3d_ago - 1
            end
        ) as backing_supply_growth_3d,
        lagged.mcap_usd as backing_mcap_usd,
        case
            when lagged.price_3d_ago_usd > 0
                then lagged.price_of_first_unit_usd / lagged.price_3d_ago_usd - 1
        end as backing_ret_3d
    from peg
    inner join validity
        on peg.stablecoin_id = validity.stablecoin_id
        and peg.day >= validity.valid_from
        and peg.day < coalesce(validity.valid_to, date '9999-12-31')
    left join supply
        on peg.stablecoin_id = supply.stablecoin_id
        and peg.day = supply.day
    left join lagged
        on validity.backing_asset_id = lagged.asset_id
        and peg.day = lagged.day
)

select * from final
