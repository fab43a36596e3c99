{#- Returns the days whose equity is not that of the day before times their return. -#}
{% test equity_compounds(model) %}

    select strategy_id, day, equity, ret_1d, equity_before
    from (
        select
            *,
            coalesce(lag(equity) over (partition by strategy_id order by day), 1) as equity_before
        from {{ model }}
    ) as followed
    where equity_before > 0
        and (ret_1d is null or abs(equity_before * (1 + ret_1d) - equity) > {{ rounding() }} * greatest(1, abs(equity)))

{% endtest %}
