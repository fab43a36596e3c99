{% set reported = [
    {'source': 'defillama', 'model': 'stg_defillama__chain_tvl', 'day': 'day'},
    {'source': 'defillama', 'model': 'stg_defillama__chain_metric', 'day': 'day'},
    {'source': 'defillama', 'model': 'stg_defillama__protocol_tvl', 'day': 'day'},
    {'source': 'defillama_stablecoins', 'model': 'stg_defillama_stablecoins__balance', 'day': 'day'},
    {'source': 'defillama_stablecoins', 'model': 'stg_defillama_stablecoins__chart', 'day': 'day'},
    {'source': 'defillama_yields', 'model': 'stg_defillama_yields__pool', 'day': 'cast(null as date)'},
    {'source': 'defillama', 'model': 'stg_defillama__protocol_metric', 'day': 'day'},
] %}

-- how sources spell chains, wherever they name one. Lists of chains are the registry's.
with
{% for one in reported %}
    table_{{ loop.index }} as (
        select * from {{ ref(one.model) }}
    ),

{% endfor %}
final as (
    {% for one in reported %}
        select
            '{{ one.source }}' as source,
            '{{ one.model }}' as model,
            -- names for people before keys of breakdowns
            {{ loop.index }} as name_rank,
            chain_name,
            count(*) as row_count,
            min({{ one.day }}) as first_day,
            max({{ one.day }}) as last_day,
            min(first_known_at) as first_known_at
        from table_{{ loop.index }}
        where chain_name != '__total__'
        group by chain_name
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
