{#-
    E-09: the catalogue's bounds hold in every column that has them with the given severity.
    Returns the offending values with their keys.
-#}
{% test catalogue_bounds(model, key, bound_severity) %}

    {% set checks = [] %}
    {% if execute %}
        {% for entry in catalogue_entries() %}
            {% if entry.mart == model.identifier and entry.facts.severity == bound_severity %}
                {% do checks.append(entry) %}
            {% endif %}
        {% endfor %}
    {% endif %}

    {% for entry in checks %}
        {% set column = entry.column_name %}
        select
            {{ key | join(', ') }},
            '{{ column }}' as column_name,
            cast({{ column }} as double) as broken_value
        from {{ model }}
        where false
            {% if entry.facts.min is defined %}
                or {{ column }} < {{ entry.facts.min }}
            {% endif %}
            {% if entry.facts.max is defined %}
                or {{ column }} > {{ entry.facts.max }}
            {% endif %}
        {{ 'union all' if not loop.last }}
    {% else %}
        select 1 as nothing_to_check where false
    {% endfor %}

{% endtest %}
