{#-
    The columns of a mart, or of all marts, as a list of mappings, read from the models' column
    descriptions: the text, and the lines `- key: value` below it (see models/_docs/columns.md).
-#}
{% macro catalogue_entries(mart=none) -%}
    {% set entries = [] %}
    {% for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | sort(attribute='name') %}
        {% if node.fqn[1] == 'marts' and mart in (none, node.name) %}
            {% for column in node.columns.values() %}
                {% set facts = {} %}
                {% set text = [] %}
                {% for line in column.description.split('\n') %}
                    {% if line.startswith('- ') and ': ' in line %}
                        {% set key, value = line[2:].split(': ', 1) %}
                        {% do facts.update({key: value | trim}) %}
                    {% else %}
                        {% do text.append(line | trim) %}
                    {% endif %}
                {% endfor %}
                {% do entries.append({
                    'mart': node.name,
                    'column_name': column.name,
                    'column_position': loop.index,
                    'data_type': column.data_type,
                    'description': text | join(' ') | trim,
                    'facts': facts,
                    'schema_version': node.config.meta.get('schema_version', 1)
                }) %}
            {% endfor %}
        {% endif %}
    {% endfor %}
    {{ return(entries) }}
{%- endmacro %}


{% macro text_literal(value) -%}
    {%- if value is none or value is undefined -%}
        cast(null as varchar)
    {%- else -%}
        '{{ (value | string).replace("'", "''") }}'
    {%- endif -%}
{%- endmacro %}


{% macro number_literal(value, type) -%}
    cast({{ 'null' if value is none or value is undefined else value }} as {{ type }})
{%- endmacro %}


{#- `meta_metric_catalog`: one row per mart and column. -#}
{% macro catalogue_rows() -%}
    {%- if not execute -%}
        select 1
    {%- else -%}
        {% for entry in catalogue_entries() %}
    select
        {{ text_literal(entry.mart) }} as mart,
        {{ text_literal(entry.column_name) }} as column_name,
        {{ number_literal(entry.column_position, 'bigint') }} as column_position,
        {{ text_literal(entry.data_type) }} as data_type,
        {{ text_literal(entry.facts.unit) }} as unit,
        {{ text_literal(entry.facts.formula) }} as formula,
        {{ text_literal('docs/formulas.md#' ~ entry.facts.anchor if entry.facts.anchor) }} as formula_anchor,
        {{ number_literal(entry.facts.window_d, 'bigint') }} as window_d,
        {{ number_literal(entry.facts.min_obs, 'bigint') }} as min_obs,
        {{ text_literal(entry.facts.null) }} as null_rule,
        {{ number_literal(entry.facts.min, 'double') }} as min_value,
        {{ number_literal(entry.facts.max, 'double') }} as max_value,
        {{ text_literal(entry.facts.severity) }} as bound_severity,
        {{ text_literal(entry.facts.get('source', 'canonical price')) }} as column_source,
        {{ text_literal(entry.facts.pit) }} as pit_note,
        {{ text_literal(entry.description) }} as description,
        {{ number_literal(entry.schema_version, 'bigint') }} as schema_version
            {% if not loop.last %}
    union all
            {% endif %}
        {% endfor %}
    {%- endif -%}
{%- endmacro %}


{#-
    By how much a number may miss a bound or an identity: what is left of floating point, relative to
    the bound above 1. A share of 1.0000000000000002 is one.
-#}
{% macro rounding() -%}
    1e-9
{%- endmacro %}


{#- Whether a column's value is outside of the bounds that its description gives, beyond rounding. -#}
{% macro outside_bounds(entry) -%}
    (
        false
        {%- for sign, bound in [('<', entry.facts.min), ('>', entry.facts.max)] if bound is defined %}
            or {{ entry.column_name }} {{ sign }}
            {{- ' ' ~ bound }} {{ '-' if sign == '<' else '+' }} {{ rounding() }} * greatest(1, abs({{ bound }}))
        {%- endfor %}
    )
{%- endmacro %}
