{#-
    Rows with the `slug` that DefiLlama uses, and with `protocol_id`, the registry's. Of two slugs of
    one protocol the newest word about a fact counts. A slug that no list has (a family's) is an id.

    key: the other columns that tell facts apart.
-#}
{% macro by_protocol(relation, key) %}
    select reported.*, coalesce(alias.protocol_id, reported.slug) as protocol_id
    from {{ relation }} as reported
    left join {{ ref('int_protocol_alias') }} as alias on reported.slug = alias.slug
    where not coalesce(alias.has_other_spellings, false)

    union all

    -- only what has several names is put in order
    select reported.*, alias.protocol_id
    from {{ relation }} as reported
    inner join {{ ref('int_protocol_alias') }} as alias on reported.slug = alias.slug
    where alias.has_other_spellings
    qualify row_number() over (
        partition by {% for name in key %}reported.{{ name }}, {% endfor %}alias.protocol_id
        order by reported.known_at desc, reported.slug
    ) = 1
{% endmacro %}
