with protocol as (
    {{ listing_of(ref('hist_defillama__protocol'), ['protocol_id'], spelling=['slug']) }}
),

final as (
    select
        slug,
        protocol_id as defillama_id,
        name,
        symbol,
        category,
        replace(parent_protocol, 'parent#', '') as family_id,
        gecko_id,
        chains as chains_json,
        {{ utc_day('listed_at') }} as listed_day,
        -- as sent: a text, of which only a date is understood
        try_cast(dead_from as date) as dead_from,
        cast(tvl_usd as double) as live_tvl_usd,
        cast(mcap_usd as double) as reported_mcap_usd,
        is_live as is_listed,
        gone_seen_at,
        known_at,
        first_known_at
    from protocol
    -- a slug that two entries share would count a protocol twice: the older entry has it
    qualify row_number() over (
        partition by slug
        order by first_known_at, defillama_id
    ) = 1
)

select * from final
