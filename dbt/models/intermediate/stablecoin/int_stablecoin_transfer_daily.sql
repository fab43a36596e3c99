-- what was moved in a coin, freed of what goes in circles: where a source says it
with metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
    where metric = 'TxTfrValAdjUSD' and value >= 0
),

alias as (
    select * from {{ ref('int_asset_alias') }}
    where source = 'coinmetrics'
),

registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

final as (
    select
        registry.stablecoin_id,
        metric.day,
        cast(metric.value as double) as transfer_volume_adj_usd
    from metric
    inner join alias
        on metric.source_asset_id = alias.source_id
        and metric.day >= alias.valid_from
        and metric.day < coalesce(alias.valid_to, date '9999-12-31')
    inner join registry on alias.asset_id = registry.asset_id
    qualify row_number() over (
        partition by registry.stablecoin_id, metric.day
        order by metric.source_asset_id
    ) = 1
)

select * from final
