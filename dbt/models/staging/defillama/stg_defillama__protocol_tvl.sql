with tvl as (
    {{ latest_version(ref('hist_defillama__protocol_tvl'), ['slug', 'chain', 'label_time']) }}
),

dated as (
    {{ dated('tvl', 'label_time', 'defillama', 'protocol_tvl', series='slug') }}
),

final as (
    select
        slug,
        chain as chain_name,
        day,
        cast(tvl_usd as double) as tvl_usd,
        known_at,
        first_known_at
    from dated
)

select * from final
