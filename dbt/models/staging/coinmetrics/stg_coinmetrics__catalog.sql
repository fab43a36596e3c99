with catalog_entry as (
    {{ listing_of(ref('hist_coinmetrics__catalog'), ['asset', 'metric', 'frequency']) }}
),

final as (
    select
        asset as source_asset_id,
        metric,
        frequency,
        {{ utc_day('min_time') }} as first_day,
        {{ utc_day('max_time') }} as last_day,
        is_live as is_listed,
        gone_seen_at,
        known_at
    from catalog_entry
)

select * from final
