with balance as (
    {{ latest_version(
        ref('hist_defillama_stablecoins__balance'), ['stablecoin_id', 'chain', 'day_time']
    ) }}
),

dated as (
    {{ dated('balance', 'day_time', 'defillama_stablecoins', 'balances', series='stablecoin_id') }}
),

final as (
    select
        stablecoin_id as defillama_id,
        chain as chain_name,
        day,
        circulating as circulating_native,
        minted as minted_native,
        unreleased as unreleased_native,
        bridged_to as bridged_to_native,
        known_at,
        first_known_at
    from dated
)

select * from final
