{% set measures = ['tvl_usd', 'fees_usd', 'revenue_usd', 'holders_revenue_usd', 'dex_volume_usd'] %}

with fundamentals as (
    select * from {{ ref('protocol_fundamentals_daily') }}
),

summed as (
    select
        protocol_id,
        day,
        {% for name in measures %}
            sum({{ name }}) as {{ name }},
            count({{ name }}) as {{ name }}_count{{ ',' if not loop.last }}
        {% endfor %}
    from fundamentals
    where chain_id != '__total__'
    group by protocol_id, day
)

{% for name in measures %}
    select
        total.protocol_id,
        total.day,
        '{{ name }}' as measure,
        total.{{ name }} as total_usd,
        summed.{{ name }} as chains_usd
    from fundamentals as total
    inner join summed
        on total.protocol_id = summed.protocol_id
        and total.day = summed.day
    where total.chain_id = '__total__'
        and summed.{{ name }}_count > 0
        and total.{{ name }} is not null
        and abs(total.{{ name }} - summed.{{ name }})
        > 1e-6 * greatest(abs(total.{{ name }}), 1)
    {{ 'union all' if not loop.last }}
{% endfor %}
