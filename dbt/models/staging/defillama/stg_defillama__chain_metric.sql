with metric as (
    {{ latest_version(ref('hist_defillama__chain_metric'), ['series_id', 'day_time']) }}
),

final as (
    select
        chain as chain_name,
        metric,
        {{ utc_day('day_time') }} as day,
        cast(amount_usd as double) as amount_usd,
        known_at,
        first_known_at
    from metric
)

select * from final
