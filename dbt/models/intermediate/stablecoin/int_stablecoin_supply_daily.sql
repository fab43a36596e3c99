{% set carried_days = days_back(30, 1, 'stablecoin_id') %}

-- supply as sources say it, with what makes a day's word doubtful
with balance as (
    select * from {{ ref('stg_defillama_stablecoins__balance') }}
    where chain_name = '__total__'
),

by_chain as (
    select * from {{ ref('int_stablecoin_chain_daily') }}
),

metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
    where metric = 'SplyCur' and value > 0
),

alias as (
    select * from {{ ref('int_asset_alias') }}
    where source = 'coinmetrics'
),

registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

stablecoin_config as (
    select * from {{ ref('cfg_stablecoin') }}
    qualify row_number() over (order by version desc) = 1
),

total as (
    select
        registry.stablecoin_id,
        balance.day,
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

summed as (
    select
        stablecoin_id,
        day,
        {{ exact_sum('circulating_native') }} as circulating_native,
        {{ exact_sum('missing_native') }} as missing_native,
        count(circulating_native) as chain_count,
        max(first_known_at) as first_known_at
    from by_chain
    group by stablecoin_id, day
),

concentration as (
    select
        by_chain.stablecoin_id,
        by_chain.day,
        {{ exact_sum(
            '(by_chain.circulating_native / summed.circulating_native)'
            ~ ' * (by_chain.circulating_native / summed.circulating_native)'
        ) }} as hhi_chain
    from by_chain
    inner join summed
        on by_chain.stablecoin_id = summed.stablecoin_id
        and by_chain.day = summed.day
    where summed.circulating_native > 0
    group by by_chain.stablecoin_id, by_chain.day
),

listed as (
    select
        coalesce(total.stablecoin_id, summed.stablecoin_id) as stablecoin_id,
        coalesce(total.day, summed.day) as day,
        'defillama_stablecoins' as supply_source,
        coalesce(total.circulating_native, summed.circulating_native) as circulating_native,
        total.minted_native,
        total.unreleased_native,
        summed.circulating_native as of_chains_native,
        summed.missing_native,
        nullif(summed.chain_count, 0) as chain_count,
        greatest(total.first_known_at, summed.first_known_at) as first_known_at
    from total
    full outer join summed
        on total.stablecoin_id = summed.stablecoin_id
        and total.day = summed.day
    -- a day on which every chain is silent is no report
    where total.circulating_native is not null or summed.chain_count > 0
),

listed_from as (
    select stablecoin_id, min(day) as first_day
    from listed
    group by stablecoin_id
),

-- coins that DefiLlama does not follow (gold, and what rebases), or did not follow yet
counted_on_chain as (
    select
        registry.stablecoin_id,
        metric.day,
        'coinmetrics' as supply_source,
        cast(metric.value as double) as circulating_native,
        cast(null as double) as minted_native,
        cast(null as double) as unreleased_native,
        cast(null as double) as of_chains_native,
        cast(null as double) as missing_native,
        cast(null as bigint) as chain_count,
        metric.first_known_at
    from metric
    inner join alias
        on metric.source_asset_id = alias.source_id
        and metric.day >= alias.valid_from
        and metric.day < coalesce(alias.valid_to, date '9999-12-31')
    inner join registry on alias.asset_id = registry.asset_id
    left join listed_from on registry.stablecoin_id = listed_from.stablecoin_id
    where listed_from.first_day is null or metric.day < listed_from.first_day
    qualify row_number() over (
        partition by registry.stablecoin_id, metric.day
        order by metric.source_asset_id
    ) = 1
),

reported as (
    select * from listed
    union all
    select * from counted_on_chain
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
        reported.supply_source,
        reported.circulating_native as circulating_reported_native,
        reported.minted_native,
        reported.unreleased_native,
        reported.of_chains_native,
        reported.chain_count,
        reported.first_known_at,
        reported.missing_native,
        concentration.hhi_chain,
        lag(reported.circulating_native, 1) over by_day as reported_1_native,
        lag(reported.circulating_native, 2) over by_day as reported_2_native
    from calendar
    left join reported
        on calendar.stablecoin_id = reported.stablecoin_id
        and calendar.day = reported.day
    left join concentration
        on calendar.stablecoin_id = concentration.stablecoin_id
        and calendar.day = concentration.day
    window by_day as (partition by calendar.stablecoin_id order by calendar.day)
),

-- beyond the gate against both days before; a second day at the new level confirms it
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
        -- less than nothing, or more than there is money: errors of accounting and of decimals
        or coalesce(
            dense.circulating_reported_native < 0
            or dense.circulating_reported_native > stablecoin_config.max_supply_native,
            false
        ) as is_quarantined,
        dense.circulating_reported_native is not null
        and coalesce(dense.missing_native, 0) > 0 as is_partial,
        coalesce(
            dense.missing_native > stablecoin_config.partial_max_share_frac * (
                coalesce(dense.of_chains_native, 0) + dense.missing_native
            ),
            false
        ) as is_too_partial,
        case
            when dense.reported_1_native is not null
                then dense.circulating_reported_native != dense.reported_1_native
        end as is_moving
    from dense
    cross join stablecoin_config
),

-- the source does not say which days it carried forward; a coin that moves nearly every day
-- and repeats itself to the last digit was not looked at
windowed as (
    select
        judged.*,
        count(judged.is_moving) over before as moving_known_count,
        sum(case when judged.is_moving then 1 else 0 end) over before as moving_count
    from judged
    window before as ({{ carried_days }})
),

final as (
    select
        windowed.stablecoin_id,
        windowed.day,
        windowed.supply_source,
        windowed.circulating_reported_native,
        case
            when not windowed.is_quarantined and not windowed.is_too_partial
                then windowed.circulating_reported_native
        end as circulating_native,
        windowed.minted_native,
        windowed.unreleased_native,
        windowed.chain_count,
        windowed.hhi_chain,
        windowed.is_partial,
        windowed.is_quarantined,
        case
            when windowed.circulating_reported_native is null then null
            when windowed.moving_known_count < stablecoin_config.carried_min_obs then null
            else not coalesce(windowed.is_moving, true)
                and windowed.moving_count
                >= stablecoin_config.carried_moving_frac * windowed.moving_known_count
        end as is_extrapolated,
        case
            when windowed.circulating_reported_native is null then null
            when windowed.first_known_at
                <= {{ day_start('windowed.day + 1 + stablecoin_config.captured_within_d') }}
                then 'captured'
            else 'assumed'
        end as pit_basis
    from windowed
    cross join stablecoin_config
)

select * from final
