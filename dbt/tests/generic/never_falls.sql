{#- Returns the days on which the total falls, with both values. -#}
{% test never_falls(model, entity, column) %}

    with known as (
        select {{ entity }}, day, {{ column }} as total
        from {{ model }}
        where {{ column }} is not null
    ),

    followed as (
        select *, lag(total) over (partition by {{ entity }} order by day) as previous_total
        from known
    )

    select * from followed
    where total < previous_total

{% endtest %}
