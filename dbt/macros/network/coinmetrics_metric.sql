{#-
    Coin Metrics' metrics on the day that they describe, whether its API or its archive of
    files sent them: both label rates by the instant and everything else by the day.

    relation: a history model with the columns asset, metric, time, value.
    source: whose conventions of `meta_source` apply.
-#}
{% macro coinmetrics_metric(relation, source) %}
    with asset_metric as (
        {{ latest_version(relation, ['asset', 'metric', 'time']) }}
    ),

    source_convention as (
        select * from {{ ref('meta_source') }}
    ),

    metric as (
        select distinct metric from asset_metric
    ),

    -- the convention with the longest matching prefix is the metric's own
    convention as (
        select metric.metric, source_convention.timestamp_convention
        from metric
        inner join source_convention
            on source_convention.source = '{{ source }}'
            and source_convention.table_name = 'asset_metrics'
            and metric.metric like coalesce(source_convention.metric_prefix, '') || '%'
        qualify row_number() over (
            partition by metric.metric
            order by length(coalesce(source_convention.metric_prefix, '')) desc
        ) = 1
    ),

    final as (
        select
            asset_metric.asset as source_asset_id,
            asset_metric.metric,
            -- a rate at 00:00 is the close of the day that ends there
            case convention.timestamp_convention
                when 'point_in_time' then {{ utc_day('asset_metric.time') }} - 1
                else {{ utc_day('asset_metric.time') }}
            end as day,
            asset_metric.value,
            asset_metric.known_at,
            asset_metric.first_known_at
        from asset_metric
        left join convention on asset_metric.metric = convention.metric
    )

    select * from final
{% endmacro %}
