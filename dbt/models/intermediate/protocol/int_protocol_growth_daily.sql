{% set spans = [1, 7, 14, 30] %}

-- protocols and families in total: what they are compared with what they were
with protocol_day as (
    select * from {{ ref('int_protocol_daily') }}
    where chain_id = '__total__'
),

registry as (
    select * from {{ ref('int_protocol_registry') }}
),

flow as (
    select * from {{ ref('int_protocol_flow_daily') }}
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

first_seen as (
    select
        protocol_id,
        min(case when tvl_usd > 0 then day end) as first_tvl_day
    from protocol_day
    group by protocol_id
),

-- a history that begins long after the protocol was listed begins with the lake, not with a launch
launched as (
    select
        registry.protocol_id,
        registry.token_asset_id,
        registry.protocol_kind,
        case
            when registry.launch_day is not null then registry.launch_day
            when abs({{ days_between('registry.listed_day', 'first_seen.first_tvl_day') }})
                <= defi_config.launch_listing_lag_d
                then first_seen.first_tvl_day
        end as launch_day
    from registry
    left join first_seen on registry.protocol_id = first_seen.protocol_id
    cross join defi_config
),

joined as (
    select
        protocol_day.*,
        launched.token_asset_id,
        launched.protocol_kind,
        launched.launch_day,
        before.tvl_usd as previous_tvl_usd,
        flow.usd_inflow_usd,
        flow.price_effect_usd,
        flow.token_value_usd,
        flow.token_value_1d_ago_usd,
        flow.incomplete_count,
        flow.held_count,
        flow.was_held_count
    from protocol_day
    inner join launched on protocol_day.protocol_id = launched.protocol_id
    left join protocol_day as before
        on protocol_day.protocol_id = before.protocol_id
        and protocol_day.day - 1 = before.day
    left join flow
        on protocol_day.protocol_id = flow.protocol_id
        and protocol_day.day = flow.day
),

-- balances explain TVL where they add up to it, today and the day before
explained as (
    select
        joined.*,
        coalesce(
            joined.incomplete_count = 0
            and joined.held_count > 0
            and joined.was_held_count > 0
            and abs(joined.token_value_usd - joined.tvl_usd)
            <= defi_config.token_coverage_tolerance_frac * joined.tvl_usd
            and abs(joined.token_value_1d_ago_usd - joined.previous_tvl_usd)
            <= defi_config.token_coverage_tolerance_frac * joined.previous_tvl_usd,
            false
        ) as is_explained
    from joined
    cross join defi_config
),

attributed as (
    select
        *,
        case when is_explained then usd_inflow_usd end as inflow_usd,
        case when is_explained then price_effect_usd end as effect_usd,
        case
            when is_explained then tvl_usd - previous_tvl_usd - usd_inflow_usd - price_effect_usd
        end as unexplained_usd
    from explained
),

windowed as (
    select
        *,
        {% for n in spans + [90] %}
            {{ value_days_ago('tvl_usd', n, 'protocol_id') }} as tvl_{{ n }}d_ago_usd,
            {% for name in ['inflow', 'effect', 'unexplained'] %}
                sum({{ name }}_usd) over past_{{ n }}d as {{ name }}_{{ n }}d_usd,
            {% endfor %}
            count(inflow_usd) over past_{{ n }}d as inflow_{{ n }}d_count,
        {% endfor %}
        {% for name in ['fees', 'revenue', 'holders_revenue', 'dex_volume'] %}
            sum({{ name }}_usd) over past_30d as {{ name }}_sum_30d_usd,
            count({{ name }}_usd) over past_30d as {{ name }}_30d_count,
            sum({{ name }}_usd) over before_30d as {{ name }}_sum_before_30d_usd,
            count({{ name }}_usd) over before_30d as {{ name }}_before_30d_count,
        {% endfor %}
        sum(fees_usd) over past_7d as fees_sum_7d_usd,
        count(fees_usd) over past_7d as fees_7d_count,
        avg(fees_usd) over past_90d as fees_mean_90d_usd,
        count(fees_usd) over past_90d as fees_90d_count,
        avg(fees_usd) over before_90d as fees_mean_before_90d_usd,
        count(fees_usd) over before_90d as fees_before_90d_count,
        -- the longest look back: the fees of 90 days against those of the 90 before
        {{ window_pit_basis('pit_basis', 180, 'protocol_id') }} as window_pit_basis,
        {% for name in ['fees', 'dex_volume'] %}
            max({{ name }}_usd) over until_yesterday as {{ name }}_record_usd,
            count({{ name }}_usd) over until_yesterday as {{ name }}_before_count
            {{- ',' if not loop.last }}
        {% endfor %}
    from attributed
    window
        {% for n in spans + [90] %}
            past_{{ n }}d as ({{ last_days(n, 'protocol_id') }}),
        {% endfor %}
        before_30d as ({{ days_back(59, 30, 'protocol_id') }}),
        before_90d as ({{ days_back(179, 90, 'protocol_id') }}),
        until_yesterday as ({{ days_back('unbounded', 1, 'protocol_id') }})
),

final as (
    select
        windowed.protocol_id,
        windowed.protocol_kind,
        windowed.token_asset_id,
        windowed.day,
        windowed.tvl_usd,
        windowed.fees_usd,
        windowed.revenue_usd,
        windowed.dex_volume_usd,
        {% for n in spans %}
            windowed.tvl_usd - windowed.tvl_{{ n }}d_ago_usd as tvl_change_{{ n }}d_usd,
            case
                when windowed.tvl_{{ n }}d_ago_usd >= defi_config.growth_base_floor_usd
                    then windowed.tvl_usd / windowed.tvl_{{ n }}d_ago_usd
            end as tvl_multiple_{{ n }}d_x,
        {% endfor %}
        {% for n in spans + [90] %}
            case when windowed.inflow_{{ n }}d_count = {{ n }} then windowed.inflow_{{ n }}d_usd end
            as usd_inflow_{{ n }}d_usd,
            case when windowed.inflow_{{ n }}d_count = {{ n }} then windowed.effect_{{ n }}d_usd end
            as price_effect_{{ n }}d_usd,
            case
                when windowed.inflow_{{ n }}d_count = {{ n }} then windowed.unexplained_{{ n }}d_usd
            end as tvl_unexplained_{{ n }}d_usd,
        {% endfor %}
        windowed.launch_day,
        case
            when windowed.day >= windowed.launch_day
                then {{ days_between('windowed.launch_day', 'windowed.day') }}
        end as days_since_launch_d,
        case when windowed.day >= windowed.launch_day then windowed.tvl_usd end
        as tvl_since_launch_usd,
        case when windowed.fees_7d_count = 7 then windowed.fees_sum_7d_usd end as fees_7d_usd,
        -- a month with at most three holes, scaled to a whole one
        {% for name in ['fees', 'revenue', 'holders_revenue', 'dex_volume'] %}
            case
                when windowed.{{ name }}_30d_count >= defi_config.fees_window_min_obs
                    then windowed.{{ name }}_sum_30d_usd * 30 / windowed.{{ name }}_30d_count
            end as {{ name }}_30d_usd,
        {% endfor %}
        {% for name in ['fees', 'dex_volume'] %}
            case
                when windowed.{{ name }}_30d_count >= defi_config.fees_window_min_obs
                    and windowed.{{ name }}_before_30d_count >= defi_config.fees_window_min_obs
                    and windowed.{{ name }}_sum_before_30d_usd > 0
                    then (windowed.{{ name }}_sum_30d_usd / windowed.{{ name }}_30d_count)
                        / (
                            windowed.{{ name }}_sum_before_30d_usd
                            / windowed.{{ name }}_before_30d_count
                        ) - 1
            end as {{ name }}_growth_30d_frac,
            case
                when windowed.{{ name }}_before_count >= defi_config.ath_min_obs
                    then windowed.{{ name }}_usd > windowed.{{ name }}_record_usd
            end as is_{{ name }}_ath,
        {% endfor %}
        case
            when windowed.fees_90d_count >= 3 * defi_config.fees_window_min_obs
                and windowed.fees_before_90d_count >= 3 * defi_config.fees_window_min_obs
                and windowed.fees_mean_before_90d_usd > 0
                then windowed.fees_mean_90d_usd / windowed.fees_mean_before_90d_usd - 1
        end as fees_growth_90d_frac,
        windowed.window_pit_basis as pit_basis
    from windowed
    cross join defi_config
)

select * from final
