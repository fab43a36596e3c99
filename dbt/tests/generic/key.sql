{#- The key holds: no part of it is NULL, and no two rows share it. Returns the offending keys. -#}
{% test key(model, columns) %}

    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {% for column in columns %}
            or {{ column }} is null
        {% endfor %}

{% endtest %}
