{#-
    Going up by value, the first value at which half of the weight is reached. One row per
    group; rows without a value do not count. The result is one of the values, so neither one huge
    price nor the order of rows can move it.

    A relation of the group's columns and the value; meant as the body of a CTE.
-#}
{% macro volume_weighted_median(relation, value, weight, group_by) %}
    select
        {{ group_by | join(', ') }},
        min({{ value }}) as {{ value }}
    from (
        select
            {{ group_by | join(', ') }},
            {{ value }},
            sum({{ exact(weight) }}) over (
                partition by {{ group_by | join(', ') }}
                order by {{ value }}
            ) as weight_up_to,
            sum({{ exact(weight) }}) over (partition by {{ group_by | join(', ') }}) as whole_weight
        from {{ relation }}
        where {{ value }} is not null
    ) as weighed
    where weight_up_to >= whole_weight - weight_up_to
    group by {{ group_by | join(', ') }}
{% endmacro %}
