{#- Returns the grades with other factors than the seed's. -#}
{% test factors_are_the_seeds(model, factors) %}

    with seed as (
        select grade, factor, factor_group
        from {{ factors }}
        qualify version = max(version) over (partition by grade)
    ),

    expected as (
        select grade, count(*) as factor_count
        from seed
        group by grade
    ),

    found as (
        select
            part.asset_id,
            part.day,
            part.grade,
            count(*) as factor_count,
            count(seed.factor) as known_count
        from {{ model }} as part
        left join seed
            on part.grade = seed.grade
            and part.factor = seed.factor
            and part.factor_group = seed.factor_group
        group by part.asset_id, part.day, part.grade
    )

    select found.*, expected.factor_count as expected_count
    from found
    left join expected on found.grade = expected.grade
    where not coalesce(
        found.factor_count = expected.factor_count and found.known_count = expected.factor_count,
        false
    )

{% endtest %}
