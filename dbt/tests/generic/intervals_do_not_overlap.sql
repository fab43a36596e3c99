{#- Returns pairs of overlapping intervals. -#}
{% test intervals_do_not_overlap(model, entity) %}

    select
        {% for column in entity %}one.{{ column }}, {% endfor %}
        one.valid_from,
        one.valid_to,
        other.valid_from as other_valid_from
    from {{ model }} as one
    inner join {{ model }} as other
        on one.valid_from < other.valid_from
        {% for column in entity %}
            and one.{{ column }} = other.{{ column }}
        {% endfor %}
    where one.valid_to is null or one.valid_to > other.valid_from

{% endtest %}
