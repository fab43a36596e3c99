{#- An identity or rule of one model: rows for which the expression is not true. -#}
{% test holds(model, expression) %}

    select *
    from {{ model }}
    where not coalesce({{ expression }}, false)

{% endtest %}
