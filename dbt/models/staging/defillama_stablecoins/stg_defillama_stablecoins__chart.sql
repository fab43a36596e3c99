with chart as (
    {{ latest_version(
        ref('hist_defillama_stablecoins__chart'), ['chain', 'peg_type', 'day_time']
    ) }}
),

dated as (
    {{ dated('chart', 'day_time', 'defillama_stablecoins', 'charts', series='chain') }}
),

final as (
    select
        chain as chain_name,
        peg_type,
        day,
        circulating as circulating_native,
        circulating_usd,
        unreleased as unreleased_native,
        minted_usd,
        bridged_to_usd,
        known_at,
        first_known_at
    from dated
)

select * from final
