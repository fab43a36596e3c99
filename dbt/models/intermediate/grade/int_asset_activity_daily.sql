-- on-chain facts that factors are made of, on the day from which a decision may rest on them: a
-- source that answers hours after the close speaks for a later decision
with metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
    where metric in ('AdrActCnt', 'CapMVRVCur') and value is not null
),

alias as (
    select * from {{ ref('int_asset_alias') }}
    where source = 'coinmetrics'
),

source_convention as (
    select * from {{ ref('meta_source') }}
    where source = 'coinmetrics' and table_name = 'asset_metrics'
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

delay as (
    select
        cast(greatest(
            0,
            ceil((source_convention.publish_lag_h - price_config.decision_lag_h) / 24.0)
        ) as integer) as delay_d
    from source_convention
    cross join price_config
),

mapped as (
    select
        alias.asset_id,
        metric.day,
        metric.metric,
        cast(metric.value as double) as metric_value,
        alias.source_id
    from metric
    inner join alias
        on metric.source_asset_id = alias.source_id
        and metric.day >= alias.valid_from
        and metric.day < coalesce(alias.valid_to, date '9999-12-31')
    qualify row_number() over (
        partition by alias.asset_id, metric.day, metric.metric
        order by alias.source_id
    ) = 1
),

final as (
    select
        mapped.asset_id,
        mapped.day + delay.delay_d as day,
        max(case when mapped.metric = 'AdrActCnt' then mapped.metric_value end) as active_addresses,
        max(case when mapped.metric = 'CapMVRVCur' then mapped.metric_value end) as mvrv_x
    from mapped
    cross join delay
    group by mapped.asset_id, mapped.day + delay.delay_d
)

select * from final
