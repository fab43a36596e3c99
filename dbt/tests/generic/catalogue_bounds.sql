{#-
    E-09: the catalogue's bounds hold in every column that has them with the given severity.
    Returns the offending values with their keys.
-#}
{% test catalogue_bounds(model, key, bound_severity) %}

    {% set checks = [] %}
    {% if execute %}
        {% for entry in catalogue_entries(model.identifier) %}
            {% if entry.facts.severity == bound_severity %}
                {% do checks.append(entry) %}
            {% endif %}
        {% endfor %}
    {% endif %}

    {% if checks %}
    -- the model is read once, whatever it is: a view is computed only once
    with broken as materialized (
        select {{ (key + checks | map(attribute='column_name') | reject('in', key) | list) | join(', ') }}
        from {{ model }}
        where false
            {% for entry in checks %}
                or {{ outside_bounds(entry) }}
            {% endfor %}
    )

    {% for entry in checks %}
        select
            {{ key | join(', ') }},
            '{{ entry.column_name }}' as column_name,
            cast({{ entry.column_name }} as double) as broken_value
        from broken
        where {{ outside_bounds(entry) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
    {% else %}
        select 1 as nothing_to_check where false
    {% endif %}

{% endtest %}
