-- what DefiLlama says of a protocol on a chain and a day, side by side, with what is not believed
with tvl_by_slug as (
    {{ by_chain(ref('stg_defillama__protocol_tvl'), ['slug', 'day']) }}
),

metric_by_slug as (
    {{ by_chain(ref('stg_defillama__protocol_metric'), ['slug', 'metric', 'version', 'day']) }}
),

tvl as (
    {{ by_protocol('tvl_by_slug', ['chain_id', 'day']) }}
),

metric as (
    {{ by_protocol('metric_by_slug', ['metric', 'version', 'chain_id', 'day']) }}
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

stated as (
    select
        protocol_id,
        chain_id,
        day,
        'tvl' as metric,
        tvl_usd as amount_usd,
        first_known_at
    from tvl

    union all

    -- parts of one protocol (v2, v3) on one chain add up
    select
        protocol_id,
        chain_id,
        day,
        metric,
        {{ exact_sum('amount_usd') }} as amount_usd,
        max(first_known_at) as first_known_at
    from metric
    group by protocol_id, chain_id, day, metric
),

wide as (
    select
        protocol_id,
        chain_id,
        day,
        max(case when metric = 'tvl' then amount_usd end) as tvl_usd,
        max(case when metric = 'dailyFees' then amount_usd end) as fees_usd,
        max(case when metric = 'dailyRevenue' then amount_usd end) as revenue_usd,
        max(case when metric = 'dailyHoldersRevenue' then amount_usd end) as holders_revenue_usd,
        max(case when metric = 'dailyVolume' then amount_usd end) as dex_volume_usd,
        max(first_known_at) as first_known_at
    from stated
    group by protocol_id, chain_id, day
),

newest as (
    select max(day) as day from wide
),

lifetime as (
    select
        wide.protocol_id,
        wide.chain_id,
        min(wide.day) as first_day,
        -- a chain that fell silent counts as missing for a week
        least(max(wide.day) + 7, max(newest.day)) as last_day
    from wide
    cross join newest
    group by wide.protocol_id, wide.chain_id
),

calendar as (
    {{ day_spine('lifetime', ['protocol_id', 'chain_id'], 'first_day', 'last_day') }}
),

dense as (
    select
        calendar.protocol_id,
        calendar.chain_id,
        calendar.day,
        wide.tvl_usd,
        wide.fees_usd,
        wide.revenue_usd,
        wide.holders_revenue_usd,
        wide.dex_volume_usd,
        wide.first_known_at,
        lag(wide.tvl_usd, 1) over by_day as tvl_1d_ago_usd,
        lag(wide.tvl_usd, 2) over by_day as tvl_2d_ago_usd,
        lag(wide.tvl_usd, 3) over by_day as tvl_3d_ago_usd,
        lag(wide.fees_usd, 1) over by_day as fees_1d_ago_usd,
        lag(wide.revenue_usd, 1) over by_day as revenue_1d_ago_usd,
        lag(wide.dex_volume_usd, 1) over by_day as dex_volume_1d_ago_usd,
        -- what a turnover is held against: wrong decimals in TVL would make any look small
        max(case when wide.tvl_usd <= defi_config.tvl_max_usd then wide.tvl_usd end) over past_7d
        as tvl_recent_usd,
        max(wide.day) over past_8d as last_stated_day
    from calendar
    left join wide
        on calendar.protocol_id = wide.protocol_id
        and calendar.chain_id = wide.chain_id
        and calendar.day = wide.day
    cross join defi_config
    window
        by_day as (partition by calendar.protocol_id, calendar.chain_id order by calendar.day),
        past_7d as ({{ days_back(6, 0, 'calendar.protocol_id, calendar.chain_id', day='calendar.day') }}),
        past_8d as ({{ days_back(7, 0, 'calendar.protocol_id, calendar.chain_id', day='calendar.day') }})
),

judged as (
    select
        dense.*,
        -- wrong decimals show as a turnover that no protocol has
        coalesce(
            dense.dex_volume_usd < 0
            or dense.dex_volume_usd > defi_config.flow_max_usd
            or dense.dex_volume_usd > defi_config.implausible_min_usd
            and dense.dex_volume_usd > defi_config.volume_max_tvl_x * dense.tvl_recent_usd,
            false
        ) as is_volume_implausible,
        coalesce(
            dense.fees_usd < 0
            or dense.fees_usd > defi_config.flow_max_usd
            or dense.fees_usd > defi_config.implausible_min_usd
            and dense.fees_usd > defi_config.fees_max_tvl_x * dense.tvl_recent_usd,
            false
        ) as are_fees_implausible,
        coalesce(dense.tvl_usd < 0 or dense.tvl_usd > defi_config.tvl_max_usd, false)
        as is_tvl_implausible,
        -- the same cents as the day before: the source carries a day forward
        coalesce(
            dense.fees_usd >= defi_config.carried_min_usd
            and dense.fees_usd = dense.fees_1d_ago_usd
            and coalesce(dense.dex_volume_usd = dense.dex_volume_1d_ago_usd, true)
            or dense.dex_volume_usd >= defi_config.carried_min_usd
            and dense.dex_volume_usd = dense.dex_volume_1d_ago_usd
            and coalesce(dense.fees_usd = dense.fees_1d_ago_usd, true),
            false
        ) as is_flow_carried,
        coalesce(
            dense.tvl_usd >= defi_config.carried_min_usd and dense.tvl_usd = dense.tvl_1d_ago_usd,
            false
        ) as is_tvl_carried,
        coalesce(
            dense.tvl_usd >= defi_config.carried_min_usd
            and dense.tvl_usd = dense.tvl_1d_ago_usd
            and dense.tvl_usd = dense.tvl_2d_ago_usd
            and dense.tvl_usd = dense.tvl_3d_ago_usd,
            false
        ) as is_tvl_stale
    from dense
    cross join defi_config
    where dense.last_stated_day is not null
),

final as (
    select
        protocol_id,
        chain_id,
        day,
        tvl_usd as tvl_reported_usd,
        fees_usd as fees_reported_usd,
        dex_volume_usd as dex_volume_reported_usd,
        case when not is_tvl_implausible and not is_tvl_stale then tvl_usd end as tvl_usd,
        case when not are_fees_implausible and not is_flow_carried then fees_usd end as fees_usd,
        -- what is said of fees that are not believed is not believed either
        case
            when not are_fees_implausible and not is_flow_carried then revenue_usd
        end as revenue_usd,
        case
            when not are_fees_implausible and not is_flow_carried then holders_revenue_usd
        end as holders_revenue_usd,
        case
            when not is_volume_implausible and not is_flow_carried then dex_volume_usd
        end as dex_volume_usd,
        is_volume_implausible or are_fees_implausible or is_tvl_implausible as is_quarantined,
        is_flow_carried or is_tvl_carried as is_carried_forward,
        first_known_at
    from judged
)

select * from final
