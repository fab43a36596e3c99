-- what sources say about a network, in one vocabulary: the first source that has the day counts.
-- One row per asset, metric and day.
with coinmetrics as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
),

coinmetrics_archive as (
    select * from {{ ref('stg_coinmetrics_archive__asset_metric') }}
),

chart as (
    select * from {{ ref('stg_blockchain_info__chart') }}
),

metric_name as (
    select * from {{ ref('map_network_metric') }}
),

alias as (
    select * from {{ ref('int_asset_alias') }}
),

observed as (
    select
        'coinmetrics' as source, 'coinmetrics' as id_source, source_asset_id,
        metric, day, value, first_known_at
    from coinmetrics

    union all

    -- the files know assets by the API's ids
    select
        'coinmetrics_archive' as source, 'coinmetrics' as id_source, source_asset_id,
        metric, day, value, first_known_at
    from coinmetrics_archive

    union all

    -- a chart does not name its asset: there is only one
    select
        'blockchain_info' as source, 'blockchain_info' as id_source, 'bitcoin' as source_asset_id,
        chart as metric, day, value, first_known_at
    from chart
),

named as (
    select
        alias.asset_id,
        metric_name.metric,
        observed.day,
        cast(observed.value as double) * metric_name.factor as value,
        observed.source,
        observed.source_asset_id,
        metric_name.preference,
        observed.first_known_at
    from observed
    inner join metric_name
        on observed.source = metric_name.source
        and observed.metric = metric_name.source_metric
    inner join alias
        on observed.id_source = alias.source
        and observed.source_asset_id = alias.source_id
        and observed.day >= alias.valid_from
        and observed.day < coalesce(alias.valid_to, date '9999-12-31')
    where observed.value is not null
),

final as (
    select asset_id, metric, day, value, source, first_known_at
    from named
    qualify row_number() over (
        partition by asset_id, metric, day
        order by preference, source_asset_id
    ) = 1
)

select * from final
