-- what is said of a stablecoin chain by chain. A chain that falls silent keeps its rows
-- for as long as its last word is good: what it held then is missing, not gone, unless what began
-- when it fell silent took its place: a chain that is renamed is not missing.
with balance as (
    {{ by_chain(ref('stg_defillama_stablecoins__balance'), ['defillama_id', 'day']) }}
),

registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

stablecoin_config as (
    select * from {{ ref('cfg_stablecoin') }}
    qualify row_number() over (order by version desc) = 1
),

listing_config as (
    select * from {{ ref('cfg_listing') }}
    qualify row_number() over (order by version desc) = 1
),

newest as (
    select max(day) as day from {{ ref('stg_defillama_stablecoins__balance') }}
),

reported as (
    select
        registry.stablecoin_id,
        balance.chain_id as chain,
        balance.day,
        least(newest.day, coalesce(registry.dead_from - 1, newest.day)) as last_day,
        -- what was minted here and released, and what came over a bridge; zeros are left out
        cast(
            coalesce(
                balance.circulating_native,
                balance.minted_native
                - coalesce(balance.unreleased_native, 0)
                + coalesce(balance.bridged_to_native, 0)
            ) as double
        ) as circulating_reported_native,
        cast(balance.minted_native as double) as minted_native,
        cast(balance.unreleased_native as double) as unreleased_native,
        cast(balance.bridged_to_native as double) as bridged_to_native,
        balance.first_known_at
    from balance
    inner join registry on balance.defillama_id = registry.defillama_id
    cross join newest
    -- a dead coin stops; what its source still prints is no supply
    where balance.chain_id != '__total__'
        and balance.day < coalesce(registry.dead_from, date '9999-12-31')
),

-- where the silence before a report begins, and the one after the last report
preceded as (
    select
        stablecoin_id,
        chain,
        day,
        last_day,
        lag(day) over (partition by stablecoin_id, chain order by day) as day_before
    from reported
),

silence as (
    select
        preceded.stablecoin_id,
        preceded.chain,
        preceded.day_before + 1 as first_day,
        least(preceded.day - 1, preceded.day_before + stablecoin_config.supply_ttl_d) as final_day
    from preceded
    cross join stablecoin_config
    where preceded.day > preceded.day_before + 1

    union all

    select
        preceded.stablecoin_id,
        preceded.chain,
        max(preceded.day) + 1 as first_day,
        least(max(preceded.last_day), max(preceded.day) + max(stablecoin_config.supply_ttl_d)) as final_day
    from preceded
    cross join stablecoin_config
    group by preceded.stablecoin_id, preceded.chain
    having max(preceded.last_day) > max(preceded.day)
),

silent_day as (
    {{ day_spine('silence', ['stablecoin_id', 'chain'], 'first_day', 'final_day') }}
),

dense as (
    select
        stablecoin_id,
        chain,
        day,
        circulating_reported_native,
        minted_native,
        unreleased_native,
        bridged_to_native,
        first_known_at
    from reported

    union all

    select
        stablecoin_id,
        chain,
        day,
        cast(null as double) as circulating_reported_native,
        cast(null as double) as minted_native,
        cast(null as double) as unreleased_native,
        cast(null as double) as bridged_to_native,
        cast(null as timestamptz) as first_known_at
    from silent_day
),

-- less than nothing, or more than there is money: errors of accounting and of decimals
judged as (
    select
        dense.*,
        coalesce(
            dense.circulating_reported_native < 0
            or dense.circulating_reported_native > stablecoin_config.max_supply_native,
            false
        ) as is_quarantined
    from dense
    cross join stablecoin_config
),

believed as (
    select
        *,
        case when not is_quarantined then circulating_reported_native end as circulating_native
    from judged
),

remembered as (
    select
        *,
        {{ last_known('circulating_native', 'partition by stablecoin_id, chain order by day rows between unbounded preceding and current row') }}
        as circulating_ffill_native,
        {{ last_known('case when circulating_native is not null then day end', 'partition by stablecoin_id, chain order by day rows between unbounded preceding and current row') }}
        as circulating_known_day,
        min(case when circulating_native is not null then day end)
            over (partition by stablecoin_id, chain order by day rows between unbounded preceding and current row)
        as circulating_first_day
    from believed
),

-- what was here when it was last said
missed as (
    select
        remembered.*,
        case
            when remembered.circulating_native is null
                and remembered.circulating_ffill_native > 0
                and remembered.day
                <= remembered.circulating_known_day + stablecoin_config.supply_ttl_d
                then remembered.circulating_ffill_native
        end as missing_native
    from remembered
    cross join stablecoin_config
),

silence_of_day as (
    select
        stablecoin_id,
        day,
        {{ exact_sum('missing_native') }} as missing_native,
        min(circulating_known_day) as silent_after_day
    from missed
    where missing_native is not null
    group by stablecoin_id, day
),

replaced as (
    select silence_of_day.stablecoin_id, silence_of_day.day
    from silence_of_day
    inner join missed
        on silence_of_day.stablecoin_id = missed.stablecoin_id
        and silence_of_day.day = missed.day
        and missed.circulating_first_day > silence_of_day.silent_after_day
    cross join listing_config
    group by silence_of_day.stablecoin_id, silence_of_day.day
    having {{ exact_sum('missed.circulating_native') }}
        >= max(listing_config.successor_min_share_frac) * max(silence_of_day.missing_native)
),

final as (
    select
        missed.stablecoin_id,
        missed.chain,
        missed.day,
        missed.circulating_reported_native,
        missed.circulating_native,
        missed.minted_native,
        missed.unreleased_native,
        missed.bridged_to_native,
        case when replaced.day is null then missed.missing_native end as missing_native,
        missed.is_quarantined,
        missed.first_known_at
    from missed
    left join replaced
        on missed.stablecoin_id = replaced.stablecoin_id
        and missed.day = replaced.day
)

select * from final
