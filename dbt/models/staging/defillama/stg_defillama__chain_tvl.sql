with tvl as (
    {{ latest_version(ref('hist_defillama__chain_tvl'), ['chain', 'label_time']) }}
),

dated as (
    {{ dated('tvl', 'label_time', 'defillama', 'chain_tvl', series='chain') }}
),

final as (
    select
        chain as chain_name,
        day,
        cast(tvl_usd as double) as tvl_usd,
        known_at,
        first_known_at
    from dated
)

select * from final
