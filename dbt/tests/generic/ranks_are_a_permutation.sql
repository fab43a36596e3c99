{#- Returns the groups whose ranks are not 1 to n. -#}
{% test ranks_are_a_permutation(model, rank, within) %}

    select
        {{ within | join(', ') }},
        count({{ rank }}) as ranked_count,
        min({{ rank }}) as first_rank,
        max({{ rank }}) as last_rank
    from {{ model }}
    where {{ rank }} is not null
    group by {{ within | join(', ') }}
    having
        min({{ rank }}) != 1
        or max({{ rank }}) != count({{ rank }})
        or count(distinct {{ rank }}) != count({{ rank }})

{% endtest %}
