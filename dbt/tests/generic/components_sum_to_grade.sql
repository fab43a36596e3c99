{#- Returns the grades that are not the sum of their parts. -#}
{% test components_sum_to_grade(model, components, grade) %}

    with part as (
        select
            asset_id,
            day,
            sum(contribution) as contribution,
            sum(weight_frac) as weight_frac
        from {{ components }}
        where grade = '{{ grade }}'
        group by asset_id, day
        having sum(weight_frac) is not null
    ),

    whole as (
        select asset_id, day, {{ grade }} as grade_value
        from {{ model }}
        where {{ grade }} is not null
    )

    select
        coalesce(whole.asset_id, part.asset_id) as asset_id,
        coalesce(whole.day, part.day) as day,
        whole.grade_value,
        part.contribution,
        part.weight_frac
    from whole
    full outer join part
        on whole.asset_id = part.asset_id
        and whole.day = part.day
    where not coalesce(
        abs(whole.grade_value - part.contribution) <= {{ rounding() }} and abs(part.weight_frac - 1) <= {{ rounding() }},
        false
    )

{% endtest %}
