{%- set measures = [
    'tvl', 'fees_7d', 'fees_30d', 'revenue_30d', 'holders_revenue_30d', 'dex_volume_30d',
    'usd_inflow_7d', 'usd_inflow_90d'
] -%}

-- what belongs to a token: its protocols, or their family where it has a word; of a coin its gas
with growth as (
    select
        protocol_id,
        token_asset_id,
        day,
        tvl_usd,
        fees_7d_usd,
        fees_30d_usd,
        revenue_30d_usd,
        holders_revenue_30d_usd,
        dex_volume_30d_usd,
        usd_inflow_7d_usd,
        usd_inflow_90d_usd,
        fees_growth_90d_frac
    from {{ ref('int_protocol_growth_daily') }}
),

registry as (
    select * from {{ ref('int_protocol_registry') }}
    where token_asset_id is not null
),

protocol_interval as (
    select * from {{ ref('int_protocol_interval') }}
),

-- what has had a word so far is expected to have one
expected as (
    select
        growth.*,
        protocol_interval.family_id,
        coalesce(protocol_interval.sector, registry.sector) as sector,
        registry.protocol_kind,
        {% for name in measures %}
            count(growth.{{ name }}_usd) over so_far > 0 as has_had_{{ name }}
            {{- ',' if not loop.last }}
        {% endfor %}
    from growth
    inner join registry on growth.protocol_id = registry.protocol_id
    left join protocol_interval
        on growth.protocol_id = protocol_interval.protocol_id
        and growth.day >= protocol_interval.valid_from
        and growth.day < protocol_interval.valid_to
    window so_far as (
        partition by growth.protocol_id order by growth.day
        rows between unbounded preceding and current row
    )
),

counted as (
    select expected.*
    from expected
    left join growth as family
        on expected.family_id = family.protocol_id
        and expected.day = family.day
    where family.protocol_id is null
),

final as (
    select
        token_asset_id as asset_id,
        day,
        count(*) as protocol_count,
        case
            when count(distinct protocol_id) = 1 then min(protocol_id)
        end as protocol_id,
        min(case when protocol_kind != 'chain' then sector end) as protocol_sector,
        {% for name in measures %}
            case
                when count({{ name }}_usd) = count(case when has_had_{{ name }} then 1 end)
                    then {{ exact_sum(name ~ '_usd') }}
            end as {{ name }}_usd,
        {% endfor %}
        case when count(*) = 1 then max(fees_growth_90d_frac) end as fees_growth_90d_frac
    from counted
    group by token_asset_id, day
)

select * from final
