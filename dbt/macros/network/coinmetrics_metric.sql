{#-
    Coin Metrics' metrics on the day that they describe, whether its API or its archive of
    files sent them: both label rates by the instant and everything else by the day.

    relation: a history model with the columns asset, metric, time, value.
    source: whose conventions of `meta_source_convention` apply.
-#}
{% macro coinmetrics_metric(relation, source) %}
    with asset_metric as (
        {{ latest_version(relation, ['asset', 'metric', 'time']) }}
    ),

    dated as (
        {{ dated('asset_metric', '"time"', source, 'asset_metrics', series='metric') }}
    ),

    final as (
        select
            asset as source_asset_id,
            metric,
            day,
            value,
            known_at,
            first_known_at
        from dated
    )

    select * from final
{% endmacro %}
