with metric as (
    {{ latest_version(
        ref('hist_defillama__protocol_metric'), ['series_id', 'chain', 'version', 'day_time']
    ) }}
),

final as (
    select
        slug,
        metric,
        chain as chain_name,
        version,
        {{ utc_day('day_time') }} as day,
        cast(amount_usd as double) as amount_usd,
        known_at,
        first_known_at
    from metric
)

select * from final
