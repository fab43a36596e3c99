with catalog_entry as (
    {{ latest_version(ref('hist_coinmetrics__catalog'), ['asset', 'metric', 'frequency']) }}
),

final as (
    select
        asset as source_asset_id,
        metric,
        frequency,
        {{ utc_day('min_time') }} as first_day,
        {{ utc_day('max_time') }} as last_day,
        known_at
    from catalog_entry
)

select * from final
