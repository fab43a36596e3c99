{#-
    A staging model's rows with `chain_id`, the registry's, beside the `chain_name` that the source
    uses. Of two spellings of one chain the newest word about a fact counts: a source that renames a
    chain tells its days again under the new name.

    key: the other columns that tell facts apart.
-#}
{% macro by_chain(relation, key) %}
    select reported.*, alias.chain_id
    from {{ relation }} as reported
    inner join {{ ref('int_chain_alias') }} as alias on reported.chain_name = alias.chain_name
    where not alias.has_other_spellings

    union all

    -- only what has several names is put in order
    select reported.*, alias.chain_id
    from {{ relation }} as reported
    inner join {{ ref('int_chain_alias') }} as alias on reported.chain_name = alias.chain_name
    where alias.has_other_spellings
    qualify row_number() over (
        partition by {% for name in key %}reported.{{ name }}, {% endfor %}alias.chain_id
        order by reported.known_at desc, reported.chain_name
    ) = 1
{% endmacro %}
