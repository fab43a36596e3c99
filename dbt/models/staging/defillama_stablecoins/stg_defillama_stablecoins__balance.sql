with balance as (
    {{ latest_version(
        ref('hist_defillama_stablecoins__balance'), ['stablecoin_id', 'chain', 'day_time']
    ) }}
),

final as (
    select
        stablecoin_id as defillama_id,
        chain as chain_name,
        {{ utc_day('day_time') }} as day,
        circulating as circulating_native,
        minted as minted_native,
        unreleased as unreleased_native,
        bridged_to as bridged_to_native,
        known_at,
        first_known_at
    from balance
)

select * from final
