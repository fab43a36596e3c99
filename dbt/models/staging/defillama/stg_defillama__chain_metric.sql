with metric as (
    {{ latest_version(ref('hist_defillama__chain_metric'), ['series_id', 'day_time']) }}
),

dated as (
    {{ dated('metric', 'day_time', 'defillama', 'chain_metrics', series='chain') }}
),

final as (
    select
        chain as chain_name,
        metric,
        day,
        cast(amount_usd as double) as amount_usd,
        known_at,
        first_known_at
    from dated
)

select * from final
