with metric as (
    {{ latest_version(
        ref('hist_defillama__protocol_metric'), ['series_id', 'chain', 'version', 'day_time']
    ) }}
),

dated as (
    {{ dated('metric', 'day_time', 'defillama', 'protocol_metrics', series='slug') }}
),

final as (
    select
        slug,
        metric,
        chain as chain_name,
        version,
        day,
        cast(amount_usd as double) as amount_usd,
        known_at,
        first_known_at
    from dated
)

select * from final
