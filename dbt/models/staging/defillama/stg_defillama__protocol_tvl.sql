with tvl as (
    {{ latest_version(ref('hist_defillama__protocol_tvl'), ['slug', 'chain', 'label_time']) }}
),

final as (
    select
        slug,
        chain as chain_name,
        -- a midnight's label is the end of the day before
        {{ utc_day('label_time') }} - 1 as day,
        cast(tvl_usd as double) as tvl_usd,
        known_at,
        first_known_at
    from tvl
)

select * from final
