{#- What tells rows apart or when they were made, and is no measure of anything. -#}
{% macro is_measure(entry, key) -%}
    {{ return(entry.column_name not in key + ['day', 'as_of_ts', 'model_version', 'effective_day']) }}
{%- endmacro %}


{#-
    From when to when each column of daily marts has values, of all entities together ('*') and of each:
    one scan of each mart, in the layout of `ops_coverage`.

    marts: names; they must be written down, as dbt learns from them what to build first.
-#}
{% macro coverage_rows(marts) -%}
    {% for mart in marts %}
        {% set relation = ref(mart) %}
        {% if execute %}
            {% set node = (graph.nodes.values() | selectattr('name', 'equalto', mart)
                | selectattr('resource_type', 'equalto', 'model') | list)[0] %}
            {% set key = node.config.meta.key %}
            {% set entity = key[0] if key[0] != 'day' else none %}
            {% set columns = [] %}
            {% for entry in catalogue_entries(mart) %}
                {% if is_measure(entry, key) %}{% do columns.append(entry) %}{% endif %}
            {% endfor %}
    select
        '{{ mart }}' as mart,
        entity_id,
        row_count,
        unnest([
            {% for entry in columns %}
            {
                'column_name': '{{ entry.column_name }}',
                'data_type': '{{ entry.data_type }}',
                'limiting_source': {{ text_literal(entry.facts.get('source', 'canonical price')) }},
                'first_day': c{{ loop.index }}_first,
                'last_day': c{{ loop.index }}_last,
                'value_count': c{{ loop.index }}_count
            }{{ ',' if not loop.last }}
            {% endfor %}
        ], recursive := true)
    from (
        select
            {{ "case when grouping(" ~ entity ~ ") = 0 then " ~ entity ~ " else '*' end" if entity else "'*'" }}
            as entity_id,
            {% for entry in columns %}
            min(case when "{{ entry.column_name }}" is not null then day end) as c{{ loop.index }}_first,
            max(case when "{{ entry.column_name }}" is not null then day end) as c{{ loop.index }}_last,
            count("{{ entry.column_name }}") as c{{ loop.index }}_count,
            {% endfor %}
            count(*) as row_count
        from {{ relation }}
        group by grouping sets ({{ '(' ~ entity ~ '), ' if entity }}())
        having count(*) > 0
    ) as counted
            {% if not loop.last %}
    union all
            {% endif %}
        {% endif %}
    {% endfor %}
    {% if not execute %}
    select 1
    {% endif %}
{%- endmacro %}
