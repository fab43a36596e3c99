-- supply as sources say it, with what makes a day's word doubtful (S-1, S-6)
with balance as (
    select * from {{ ref('stg_defillama_stablecoins__balance') }}
),

registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

stablecoin_config as (
    select * from {{ ref('cfg_stablecoin') }}
    qualify row_number() over (order by version desc) = 1
),

chain_day as (
    select
        registry.stablecoin_id,
        balance.chain,
        balance.day,
        -- what was minted and not released by its issuer; DefiLlama leaves zeros out
        cast(
            coalesce(
                balance.circulating_native,
                balance.minted_native - coalesce(balance.unreleased_native, 0)
            ) as double
        ) as circulating_native,
        cast(balance.minted_native as double) as minted_native,
        cast(balance.unreleased_native as double) as unreleased_native,
        balance.first_known_at
    from balance
    inner join registry on balance.defillama_id = registry.defillama_id
),

by_chain as (
    select * from chain_day
    where chain != '__total__'
),

total as (
    select * from chain_day
    where chain = '__total__'
),

summed as (
    select
        stablecoin_id,
        day,
        {{ exact_sum('circulating_native') }} as circulating_native,
        count(circulating_native) as chain_count,
        max(first_known_at) as first_known_at
    from by_chain
    group by stablecoin_id, day
),

reported as (
    select
        coalesce(total.stablecoin_id, summed.stablecoin_id) as stablecoin_id,
        coalesce(total.day, summed.day) as day,
        coalesce(total.circulating_native, summed.circulating_native) as circulating_native,
        total.minted_native,
        total.unreleased_native,
        summed.chain_count,
        greatest(total.first_known_at, summed.first_known_at) as first_known_at
    from total
    full outer join summed
        on total.stablecoin_id = summed.stablecoin_id
        and total.day = summed.day
),

-- chains that had supply on the day before and say nothing today
missing_chain as (
    select
        yesterday.stablecoin_id,
        yesterday.day + 1 as day,
        {{ exact_sum('yesterday.circulating_native') }} as missing_native
    from by_chain as yesterday
    left join by_chain as today
        on yesterday.stablecoin_id = today.stablecoin_id
        and yesterday.chain = today.chain
        and today.day = yesterday.day + 1
        and today.circulating_native is not null
    where yesterday.circulating_native > 0 and today.chain is null
    group by yesterday.stablecoin_id, yesterday.day
),

newest as (
    select max(day) as day from reported
),

lifetime as (
    select
        reported.stablecoin_id,
        min(reported.day) as first_day,
        -- a dead coin stops; what its source still prints is no supply
        least(newest.day, coalesce(registry.dead_from - 1, newest.day)) as last_day
    from reported
    cross join newest
    inner join registry on reported.stablecoin_id = registry.stablecoin_id
    group by reported.stablecoin_id, newest.day, registry.dead_from
),

calendar as (
    {{ day_spine('lifetime', ['stablecoin_id'], 'first_day', 'last_day') }}
),

dense as (
    select
        calendar.stablecoin_id,
        calendar.day,
        reported.circulating_native as circulating_reported_native,
        reported.minted_native,
        reported.unreleased_native,
        reported.chain_count,
        reported.first_known_at,
        missing_chain.missing_native,
        lag(reported.circulating_native, 1) over by_day as reported_1_native,
        lag(reported.circulating_native, 2) over by_day as reported_2_native
    from calendar
    left join reported
        on calendar.stablecoin_id = reported.stablecoin_id
        and calendar.day = reported.day
    left join missing_chain
        on calendar.stablecoin_id = missing_chain.stablecoin_id
        and calendar.day = missing_chain.day
    window by_day as (partition by calendar.stablecoin_id order by calendar.day)
),

-- S-6: beyond the gate against both days before; a second day at the new level confirms it
judged as (
    select
        dense.*,
        coalesce(
            dense.circulating_reported_native > stablecoin_config.spike_min_supply
            and dense.circulating_reported_native
            > stablecoin_config.spike_up_x * greatest(dense.reported_1_native, dense.reported_2_native),
            false
        )
        or coalesce(
            greatest(dense.reported_1_native, dense.reported_2_native)
            > stablecoin_config.spike_min_supply
            and dense.circulating_reported_native
            < stablecoin_config.spike_down_x * least(dense.reported_1_native, dense.reported_2_native),
            false
        )
        -- a supply below zero is an accounting error of the source
        or coalesce(dense.circulating_reported_native < 0, false) as is_quarantined,
        dense.circulating_reported_native is not null
        and coalesce(dense.missing_native, 0) > 0 as is_partial,
        coalesce(
            dense.missing_native
            > stablecoin_config.partial_max_share_frac * dense.reported_1_native,
            false
        ) as is_too_partial
    from dense
    cross join stablecoin_config
),

final as (
    select
        judged.stablecoin_id,
        judged.day,
        judged.circulating_reported_native,
        case
            when not judged.is_quarantined and not judged.is_too_partial
                then judged.circulating_reported_native
        end as circulating_native,
        judged.minted_native,
        judged.unreleased_native,
        judged.chain_count,
        judged.is_partial,
        judged.is_quarantined,
        case
            when judged.circulating_reported_native is null then null
            when judged.first_known_at
                <= {{ day_start('judged.day + 1 + stablecoin_config.captured_within_d') }}
                then 'captured'
            else 'assumed'
        end as pit_basis
    from judged
    cross join stablecoin_config
)

select * from final
