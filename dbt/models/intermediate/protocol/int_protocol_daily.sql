{% set measures = ['tvl', 'fees', 'revenue', 'holders_revenue', 'dex_volume'] %}

-- protocols by chain, and their totals: the sum of the chains, unknown where a chain that mattered
-- within the last week is missing, unless what began when it fell silent took its place: a chain that
-- is renamed is not missing. Where the source has no chains its own total counts.
with report as (
    select * from {{ ref('int_protocol_report_daily') }}
),

registry as (
    select * from {{ ref('int_protocol_registry') }}
),

protocol_interval as (
    select * from {{ ref('int_protocol_interval') }}
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

listing_config as (
    select * from {{ ref('cfg_listing') }}
    qualify row_number() over (order by version desc) = 1
),

by_chain as (
    select
        *,
        {% for name in measures %}
            -- how much a chain that says nothing today may weigh, and since when it is silent
            max({{ name }}_usd) over past_week as {{ name }}_expected_usd,
            max(case when {{ name }}_usd is not null then day end) over past_week
            as {{ name }}_last_day,
            min(case when {{ name }}_usd is not null then day end) over so_far as {{ name }}_first_day
            {{- ',' if not loop.last }}
        {% endfor %}
    from report
    where chain_id != '__total__'
    window
        past_week as ({{ days_back(7, 1, 'protocol_id, chain_id') }}),
        so_far as ({{ days_back('unbounded', 0, 'protocol_id, chain_id') }})
),

silence as (
    select
        *,
        {% for name in measures %}
            min(case when {{ name }}_usd is null then {{ name }}_last_day end)
                over (partition by protocol_id, day) as {{ name }}_silent_after_day
            {{- ',' if not loop.last }}
        {% endfor %}
    from by_chain
),

summed as (
    select
        protocol_id,
        day,
        {% for name in measures %}
            {{ exact_sum(name ~ '_usd') }} as {{ name }}_usd,
            {{ exact_sum('case when ' ~ name ~ '_usd is null then ' ~ name ~ '_expected_usd end') }}
            as {{ name }}_missing_usd,
            {{ exact_sum(
                'case when ' ~ name ~ '_first_day > ' ~ name ~ '_silent_after_day then '
                ~ name ~ '_usd end'
            ) }} as {{ name }}_successor_usd,
            {{ exact_sum('coalesce(' ~ name ~ '_usd, ' ~ name ~ '_expected_usd)') }}
            as {{ name }}_whole_usd,
            count({{ name }}_usd) as {{ name }}_chain_count,
            count(coalesce({{ name }}_usd, {{ name }}_expected_usd)) as {{ name }}_expected_count,
        {% endfor %}
        -- in millions: squares of dollars have no place in an exact sum
        {{ exact_sum('(tvl_usd / 1e6) * (tvl_usd / 1e6)') }} as tvl_squares,
        {{ exact_sum('tvl_reported_usd') }} as tvl_reported_usd,
        {{ exact_sum('fees_reported_usd') }} as fees_reported_usd,
        {{ exact_sum('dex_volume_reported_usd') }} as dex_volume_reported_usd,
        max(case when is_quarantined then 1 else 0 end) = 1 as is_quarantined,
        max(case when is_carried_forward then 1 else 0 end) = 1 as is_carried_forward,
        max(first_known_at) as first_known_at
    from silence
    group by protocol_id, day
),

-- what is missing and was not replaced
lacking as (
    select
        summed.*,
        {% for name in measures %}
            case
                when summed.{{ name }}_successor_usd
                    >= listing_config.successor_min_share_frac * summed.{{ name }}_missing_usd then 0
                else coalesce(summed.{{ name }}_missing_usd, 0)
            end as {{ name }}_lacking_usd{{ ',' if not loop.last }}
        {% endfor %}
    from summed
    cross join listing_config
),

stated_total as (
    select * from report
    where chain_id = '__total__'
),

total as (
    select
        coalesce(summed.protocol_id, stated_total.protocol_id) as protocol_id,
        coalesce(summed.day, stated_total.day) as day,
        {% for name in measures %}
            case
                when coalesce(summed.{{ name }}_expected_count, 0) = 0
                    then stated_total.{{ name }}_usd
                when summed.{{ name }}_lacking_usd
                    <= defi_config.partial_max_share_frac * summed.{{ name }}_whole_usd
                    then summed.{{ name }}_usd
            end as {{ name }}_usd,
            coalesce(
                summed.{{ name }}_chain_count < summed.{{ name }}_expected_count
                and (summed.{{ name }}_lacking_usd > 0 or summed.{{ name }}_missing_usd = 0),
                false
            ) as is_{{ name }}_partial,
        {% endfor %}
        summed.tvl_chain_count,
        summed.tvl_squares,
        coalesce(stated_total.tvl_reported_usd, summed.tvl_reported_usd) as tvl_reported_usd,
        coalesce(stated_total.fees_reported_usd, summed.fees_reported_usd) as fees_reported_usd,
        coalesce(
            stated_total.dex_volume_reported_usd, summed.dex_volume_reported_usd
        ) as dex_volume_reported_usd,
        coalesce(summed.is_quarantined, stated_total.is_quarantined) as is_quarantined,
        coalesce(summed.is_carried_forward, stated_total.is_carried_forward) as is_carried_forward,
        greatest(summed.first_known_at, stated_total.first_known_at) as first_known_at
    from lacking as summed
    full outer join stated_total
        on summed.protocol_id = stated_total.protocol_id
        and summed.day = stated_total.day
    cross join defi_config
),

combined as (
    select
        protocol_id,
        chain_id,
        day,
        {% for name in measures %}{{ name }}_usd, {% endfor %}
        tvl_reported_usd,
        fees_reported_usd,
        dex_volume_reported_usd,
        cast(null as bigint) as chain_count,
        cast(null as double) as hhi_chain,
        false as is_partial,
        is_quarantined,
        is_carried_forward,
        first_known_at
    from by_chain

    union all

    select
        protocol_id,
        '__total__' as chain_id,
        day,
        {% for name in measures %}{{ name }}_usd, {% endfor %}
        tvl_reported_usd,
        fees_reported_usd,
        dex_volume_reported_usd,
        tvl_chain_count as chain_count,
        case
            when tvl_usd > 0 and not is_tvl_partial and tvl_chain_count > 0
                then least(1, tvl_squares / ((tvl_usd / 1e6) * (tvl_usd / 1e6)))
        end as hhi_chain,
        {% for name in measures %}is_{{ name }}_partial{{ ' or ' if not loop.last }}{% endfor %}
        as is_partial,
        is_quarantined,
        is_carried_forward,
        first_known_at
    from total
),

final as (
    select
        combined.*,
        -- what it was called on the day
        coalesce(protocol_interval.category, registry.category) as category,
        protocol_interval.family_id,
        case
            when combined.first_known_at is null then null
            when combined.first_known_at
                <= {{ day_start('combined.day + 1 + defi_config.captured_within_d') }}
                then 'captured'
            else 'assumed'
        end as pit_basis
    from combined
    left join registry on combined.protocol_id = registry.protocol_id
    left join protocol_interval
        on combined.protocol_id = protocol_interval.protocol_id
        and combined.day >= protocol_interval.valid_from
        and combined.day < protocol_interval.valid_to
    cross join defi_config
)

select * from final
