{#- Returns the entities whose rows do not fill their days. -#}
{% test dense_days(model, entity) %}

    select
        {{ entity }},
        min(day) as first_day,
        max(day) as last_day,
        count(*) as row_count
    from {{ model }}
    group by {{ entity }}
    having
        count(*) != {{ days_between('min(day)', 'max(day)') }} + 1
        or max(day) >= {{ utc_day('max(as_of_ts)') }}

{% endtest %}
