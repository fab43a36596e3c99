with chain as (
    {{ latest_version(ref('hist_defillama_stablecoins__chain'), ['chain', 'peg_type']) }}
),

final as (
    select
        chain,
        peg_type,
        circulating_usd,
        known_at,
        first_known_at
    from chain
)

select * from final
