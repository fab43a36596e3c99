{#- E-10: no NaN and no infinity in any floating-point column. Returns them with their keys. -#}
{% test all_finite(model, key) %}

    {% set columns = [] %}
    {% if execute %}
        {% for entry in catalogue_entries() %}
            {% if entry.mart == model.identifier and entry.data_type == 'double' %}
                {% do columns.append(entry.column_name) %}
            {% endif %}
        {% endfor %}
    {% endif %}

    {% if columns %}
    -- the model is read once, whatever it is: a view is computed only once
    with broken as materialized (
        select {{ key | join(', ') }}, {{ columns | join(', ') }}
        from {{ model }}
        where false
            {% for column in columns %}
                or ({{ column }} is not null and {{ finite(column) }} is null)
            {% endfor %}
    )

    {% for column in columns %}
        select {{ key | join(', ') }}, '{{ column }}' as column_name
        from broken
        where {{ column }} is not null and {{ finite(column) }} is null
        {{ 'union all' if not loop.last }}
    {% endfor %}
    {% else %}
        select 1 as nothing_to_check where false
    {% endif %}

{% endtest %}
