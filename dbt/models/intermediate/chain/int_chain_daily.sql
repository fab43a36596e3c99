{% set so_far = 'partition by chain_id order by day rows between unbounded preceding and current row' %}

-- chains side by side: what is locked, paid, traded and used there
with registry as (
    select * from {{ ref('int_chain_registry') }}
),

chain_tvl_reported as (
    {{ by_chain(ref('stg_defillama__chain_tvl'), ['day']) }}
),

chain_tvl as (
    select * from chain_tvl_reported
    where tvl_usd >= 0
),

chain_metric as (
    {{ by_chain(ref('stg_defillama__chain_metric'), ['metric', 'day']) }}
),

protocol_day as (
    select * from {{ ref('int_protocol_daily') }}
    where chain_id = '__total__'
),

protocol as (
    select * from {{ ref('int_protocol_report_daily') }}
    where is_quarantined and chain_id != '__total__'
),

balance as (
    {{ by_chain(ref('stg_defillama_stablecoins__balance'), ['defillama_id', 'day']) }}
),

stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
    where not is_double_counted
),

stablecoin_price as (
    select * from {{ ref('int_stablecoin_price_daily') }}
),

metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
    where metric in ('AdrActCnt', 'TxCnt') and value is not null
),

alias as (
    select * from {{ ref('int_asset_alias') }}
    where source = 'coinmetrics'
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

tvl_convention as (
    select ttl_d from {{ ref('meta_source') }}
    where source = 'defillama' and table_name = 'chain_tvl'
),

-- a chain's sum of volumes holds what is not believed of its protocols: it is not believed then
tainted as (
    select
        chain_id,
        day,
        max(case when dex_volume_reported_usd is not null and dex_volume_usd is null then 1 else 0 end) = 1
        as is_volume_tainted,
        max(case when fees_reported_usd is not null and fees_usd is null then 1 else 0 end) = 1
        as are_fees_tainted
    from protocol
    group by chain_id, day
    union all
    select
        '__total__' as chain_id,
        day,
        max(case when dex_volume_reported_usd is not null and dex_volume_usd is null then 1 else 0 end) = 1
        as is_volume_tainted,
        max(case when fees_reported_usd is not null and fees_usd is null then 1 else 0 end) = 1
        as are_fees_tainted
    from protocol
    group by day
),

flow as (
    select
        chain_metric.chain_id,
        chain_metric.day,
        max(
            case
                when chain_metric.metric = 'dailyFees' and chain_metric.amount_usd >= 0
                    and not coalesce(tainted.are_fees_tainted, false)
                    then chain_metric.amount_usd
            end
        ) as app_fees_usd,
        max(
            case
                when chain_metric.metric = 'dailyRevenue'
                    and not coalesce(tainted.are_fees_tainted, false)
                    then chain_metric.amount_usd
            end
        ) as app_revenue_usd,
        max(
            case
                when chain_metric.metric = 'dailyVolume' and chain_metric.amount_usd >= 0
                    and not coalesce(tainted.is_volume_tainted, false)
                    then chain_metric.amount_usd
            end
        ) as dex_volume_usd,
        max(chain_metric.first_known_at) as first_known_at
    from chain_metric
    left join tainted
        on chain_metric.chain_id = tainted.chain_id
        and chain_metric.day = tainted.day
    group by chain_metric.chain_id, chain_metric.day
),

stable_report as (
    select
        balance.chain_id,
        balance.day,
        stablecoin.stablecoin_id,
        cast(balance.circulating_native as double) * stablecoin_price.peg_value_usd as supply_par_usd
    from balance
    inner join stablecoin on balance.defillama_id = stablecoin.defillama_id
    inner join stablecoin_price
        on stablecoin.stablecoin_id = stablecoin_price.stablecoin_id
        and balance.day = stablecoin_price.day
    where balance.chain_id != '__total__'
        and balance.circulating_native >= 0
        and balance.day < coalesce(stablecoin.dead_from, date '9999-12-31')
),

stable as (
    select
        chain_id,
        day,
        {{ exact_sum('supply_par_usd') }} as stables_usd,
        count(*) as stablecoin_count
    from stable_report
    group by chain_id, day

    union all

    select
        '__total__' as chain_id,
        day,
        {{ exact_sum('supply_par_usd') }} as stables_usd,
        count(distinct stablecoin_id) as stablecoin_count
    from stable_report
    group by day
),

usage as (
    select
        registry.chain_id,
        metric.day,
        max(case when metric.metric = 'AdrActCnt' then cast(metric.value as double) end)
        as active_addresses,
        max(case when metric.metric = 'TxCnt' then cast(metric.value as double) end) as tx_count
    from registry
    inner join alias on registry.coin_asset_id = alias.asset_id
    inner join metric
        on alias.source_id = metric.source_asset_id
        and metric.day >= alias.valid_from
        and metric.day < coalesce(alias.valid_to, date '9999-12-31')
    -- a token that settles elsewhere counts its holders there, not the chain's users
    where coalesce(registry.chain_kind = 'layer_1', false)
    group by registry.chain_id, metric.day
),

chain as (
    select chain_id, gas_protocol_id from registry
    union all
    select '__total__' as chain_id, cast(null as varchar) as gas_protocol_id
),

chain_day as (
    select chain_id, day from chain_tvl
    union
    select chain_id, day from flow
),

newest as (
    select max(day) as day from chain_day
),

lifetime as (
    select
        chain_day.chain_id,
        min(chain_day.day) as first_day,
        -- sources do not end on the same day; a chain that fell silent counts as missing for a week
        least(max(chain_day.day) + 7, max(newest.day)) as last_day
    from chain_day
    cross join newest
    group by chain_day.chain_id
),

calendar as (
    {{ day_spine('lifetime', ['chain_id'], 'first_day', 'last_day') }}
),

reported_day as (
    select distinct day from chain_tvl
),

joined as (
    select
        calendar.chain_id,
        calendar.day,
        reported_day.day is not null as is_tvl_reported,
        chain_tvl.tvl_usd,
        stable.stables_usd,
        stable.stablecoin_count,
        gas.fees_usd as gas_fees_usd,
        flow.app_fees_usd,
        flow.app_revenue_usd,
        flow.dex_volume_usd,
        usage.active_addresses,
        usage.tx_count,
        case
            when coalesce(chain_tvl.first_known_at, flow.first_known_at) is null then null
            when greatest(chain_tvl.first_known_at, flow.first_known_at)
                <= {{ day_start('calendar.day + 1 + defi_config.captured_within_d') }}
                then 'captured'
            else 'assumed'
        end as own_pit_basis
    from calendar
    cross join defi_config
    inner join chain on calendar.chain_id = chain.chain_id
    left join reported_day on calendar.day = reported_day.day
    left join chain_tvl
        on calendar.chain_id = chain_tvl.chain_id
        and calendar.day = chain_tvl.day
    left join flow
        on calendar.chain_id = flow.chain_id
        and calendar.day = flow.day
    left join stable
        on calendar.chain_id = stable.chain_id
        and calendar.day = stable.day
    left join protocol_day as gas
        on chain.gas_protocol_id = gas.protocol_id
        and calendar.day = gas.day
    left join usage
        on calendar.chain_id = usage.chain_id
        and calendar.day = usage.day
),

compared as (
    select
        joined.*,
        chain_id = '__total__' as is_total,
        {{ window_pit_basis('own_pit_basis', 30, 'chain_id') }} as pit_basis,
        {{ last_known('tvl_usd', so_far) }} as tvl_ffill_usd,
        {{ last_known('case when tvl_usd is not null then day end', so_far) }} as tvl_day,
        {% for n in [7, 30] %}
            {{ value_days_ago('tvl_usd', n, 'chain_id') }} as tvl_{{ n }}d_ago_usd,
        {% endfor %}
        {{ value_days_ago('stables_usd', 30, 'chain_id') }} as stables_30d_ago_usd,
        max(tvl_usd) over ({{ days_back(7, 1, 'chain_id') }}) as tvl_expected_usd
    from joined
),

-- the newest label of the source is live and no close: until the day's is reported, chains stand where
-- they stood at the close before
placed as (
    select
        *,
        tvl_usd is null and not is_tvl_reported and tvl_day = day - 1 as is_preliminary,
        case when is_tvl_reported then tvl_usd when tvl_day = day - 1 then tvl_ffill_usd end
        as tvl_placed_usd
    from compared
),

-- shares are parts of what all tracked chains have, unknown on a day on which one that counts is
tracked as (
    select
        placed.day,
        {{ exact_sum('placed.tvl_placed_usd') }} as tvl_placed_usd,
        {{ exact_sum('case when placed.tvl_placed_usd is null then placed.tvl_expected_usd end') }}
        as missing_usd,
        {{ exact_sum('coalesce(placed.tvl_placed_usd, placed.tvl_expected_usd)') }} as whole_usd
    from placed
    where not placed.is_total
    group by placed.day
),

ranked as (
    select
        placed.*,
        case
            when not placed.is_total
                and tracked.tvl_placed_usd > 0
                and coalesce(tracked.missing_usd, 0)
                <= defi_config.partial_max_share_frac * tracked.whole_usd
                -- rounded as the sum is: a part is never more than the whole
                then {{ inexact(exact('placed.tvl_placed_usd')) }} / tracked.tvl_placed_usd
        end as tvl_share_frac,
        {% for name, measure in {
            'tvl': 'tvl_placed', 'stables': 'stables', 'dex_volume': 'dex_volume', 'app_fees': 'app_fees'
        }.items() %}
            case
                when placed.{{ measure }}_usd is not null and not placed.is_total
                    then row_number() over (
                        partition by placed.day, placed.is_total, placed.{{ measure }}_usd is null
                        order by placed.{{ measure }}_usd desc, placed.chain_id
                    )
            end as {{ name }}_rank{{ ',' if not loop.last }}
        {% endfor %}
    from placed
    left join tracked on placed.day = tracked.day
    cross join defi_config
),

remembered as (
    select
        *,
        {% for n in [1, 2, 3] %}
            {{ value_days_ago('tvl_rank', n, 'chain_id') }} as rank_{{ n }}d_ago
            {{- ',' if not loop.last }}
        {% endfor %}
    from ranked
),

-- behind three days ago, ahead on each day since; of several the one that was highest
overtaking as (
    select
        riser.chain_id,
        riser.day,
        overtaken.chain_id as overtook_chain_id
    from remembered as riser
    inner join remembered as overtaken
        on riser.day = overtaken.day
        and overtaken.rank_3d_ago < riser.rank_3d_ago
        and overtaken.rank_2d_ago > riser.rank_2d_ago
        and overtaken.rank_1d_ago > riser.rank_1d_ago
        and overtaken.tvl_rank > riser.tvl_rank
    where riser.rank_2d_ago < riser.rank_3d_ago
        -- a day that is not reported yet repeats the day before: it confirms nothing
        and not riser.is_preliminary
    qualify row_number() over (
        partition by riser.chain_id, riser.day
        order by overtaken.rank_3d_ago
    ) = 1
),

final as (
    select
        remembered.chain_id,
        remembered.day,
        remembered.tvl_usd,
        case
            when {{ days_between('remembered.tvl_day', 'remembered.day') }} <= tvl_convention.ttl_d
                then remembered.tvl_ffill_usd
        end as tvl_usd_ffill,
        case
            when {{ days_between('remembered.tvl_day', 'remembered.day') }} <= tvl_convention.ttl_d
                then cast({{ days_between('remembered.tvl_day', 'remembered.day') }} as bigint)
        end as tvl_staleness_d,
        case
            when remembered.tvl_7d_ago_usd >= defi_config.growth_base_floor_usd
                then remembered.tvl_usd / remembered.tvl_7d_ago_usd - 1
        end as tvl_growth_7d_frac,
        case
            when remembered.tvl_30d_ago_usd >= defi_config.growth_base_floor_usd
                then remembered.tvl_usd / remembered.tvl_30d_ago_usd - 1
        end as tvl_growth_30d_frac,
        remembered.tvl_share_frac,
        remembered.tvl_rank,
        remembered.is_preliminary,
        overtaking.overtook_chain_id,
        remembered.stables_usd,
        remembered.stables_usd - remembered.stables_30d_ago_usd as stables_change_30d_usd,
        remembered.stables_rank,
        remembered.gas_fees_usd,
        remembered.app_fees_usd,
        remembered.app_revenue_usd,
        remembered.app_fees_rank,
        remembered.dex_volume_usd,
        remembered.dex_volume_rank,
        remembered.active_addresses,
        remembered.tx_count,
        remembered.tx_count / 86400 as tps_mean,
        remembered.pit_basis
    from remembered
    cross join defi_config
    cross join tvl_convention
    left join overtaking
        on remembered.chain_id = overtaking.chain_id
        and remembered.day = overtaking.day
)

select * from final
