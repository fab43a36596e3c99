{#- C.4.3: the mean over the assets of a day lies between two bounds. Returns the days where it does not. -#}
{% test daily_mean_within(model, value, low, high) %}

    select day, avg({{ value }}) as mean_value
    from {{ model }}
    where {{ value }} is not null
    group by day
    having avg({{ value }}) not between {{ low }} and {{ high }}

{% endtest %}
