{#- Returns the days whose mean lies outside. -#}
{% test daily_mean_within(model, value, low, high) %}

    select day, avg({{ value }}) as mean_value
    from {{ model }}
    where {{ value }} is not null
    group by day
    having avg({{ value }}) not between {{ low }} and {{ high }}

{% endtest %}
