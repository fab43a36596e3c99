{% set so_far = 'partition by asset_id order by day rows between unbounded preceding and current row' %}

-- circulating supply as the best source says it, carried forward for as many days as that source's
-- word is good (C.0). Stablecoins that are no asset of the registry stand under their own id.
with metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
    where metric = 'SplyCur' and value > 0
),

alias as (
    select * from {{ ref('int_asset_alias') }}
    where source = 'coinmetrics'
),

stablecoin_supply as (
    select * from {{ ref('int_stablecoin_supply_daily') }}
    where circulating_native > 0
),

stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
),

calendar as (
    select * from {{ ref('int_asset_calendar_daily') }}
),

stablecoin_price as (
    select * from {{ ref('int_stablecoin_price_daily') }}
),

unit_factor as (
    select * from {{ ref('int_asset_unit_factor') }}
),

source_convention as (
    select source, table_name, ttl_d from {{ ref('meta_source') }}
    where metric_prefix is null
),

reported as (
    select
        coalesce(stablecoin.asset_id, stablecoin.stablecoin_id) as asset_id,
        stablecoin_supply.day,
        stablecoin_supply.circulating_native as supply_native,
        'defillama_stablecoins' as source,
        'balances' as table_name,
        1 as preference,
        stablecoin.stablecoin_id as source_id
    from stablecoin_supply
    inner join stablecoin on stablecoin_supply.stablecoin_id = stablecoin.stablecoin_id

    union all

    select
        alias.asset_id,
        metric.day,
        cast(metric.value as double) as supply_native,
        'coinmetrics' as source,
        'asset_metrics' as table_name,
        2 as preference,
        metric.source_asset_id as source_id
    from metric
    inner join alias
        on metric.source_asset_id = alias.source_id
        and metric.day >= alias.valid_from
        and metric.day < coalesce(alias.valid_to, date '9999-12-31')
),

chosen as (
    select * from reported
    qualify row_number() over (
        partition by asset_id, day
        order by preference, source_id
    ) = 1
),

asset_day as (
    select asset_id, day from calendar
    union
    select
        coalesce(stablecoin.asset_id, stablecoin.stablecoin_id) as asset_id,
        stablecoin_price.day
    from stablecoin_price
    inner join stablecoin on stablecoin_price.stablecoin_id = stablecoin.stablecoin_id
),

-- in the asset's first units: a number carried over a change of units must not keep the old ones
dense as (
    select
        asset_day.asset_id,
        asset_day.day,
        coalesce(unit_factor.unit_factor, 1) as unit_factor,
        chosen.supply_native / coalesce(unit_factor.unit_factor, 1) as supply_in_first_units,
        chosen.source,
        source_convention.ttl_d
    from asset_day
    left join chosen
        on asset_day.asset_id = chosen.asset_id
        and asset_day.day = chosen.day
    left join source_convention
        on chosen.source = source_convention.source
        and chosen.table_name = source_convention.table_name
    left join unit_factor
        on asset_day.asset_id = unit_factor.asset_id
        and asset_day.day >= unit_factor.valid_from
        and asset_day.day < coalesce(unit_factor.valid_to, date '9999-12-31')
),

carried as (
    select
        asset_id,
        day,
        unit_factor,
        {{ last_known('supply_in_first_units', so_far) }} as supply_in_first_units,
        {{ last_known('source', so_far) }} as supply_source,
        {{ last_known('ttl_d', so_far) }} as ttl_d,
        {{ days_between(
            last_known('case when supply_in_first_units is not null then day end', so_far), 'day'
        ) }} as staleness_d
    from dense
),

final as (
    select
        asset_id,
        day,
        unit_factor,
        supply_in_first_units * unit_factor as supply_native,
        supply_source,
        cast(staleness_d as bigint) as supply_staleness_d
    from carried
    where staleness_d <= ttl_d
)

select * from final
