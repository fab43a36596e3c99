{#-
    A staging model's rows with `chain_id`, the registry's, beside the `chain_name` that the source
    uses. Of two spellings of one chain the newest word about a fact counts: a source that renames a
    chain tells its days again under the new name.

    key: the other columns that tell facts apart.
-#}
{% macro by_chain(relation, key) %}
    select told.*, alias.chain_id
    from {{ relation }} as told
    inner join {{ ref('int_chain_alias') }} as alias on told.chain_name = alias.chain_name
    where not alias.has_other_spellings

    union all

    -- only what has several names is put in order
    select told.*, alias.chain_id
    from {{ relation }} as told
    inner join {{ ref('int_chain_alias') }} as alias on told.chain_name = alias.chain_name
    where alias.has_other_spellings
    qualify row_number() over (
        partition by {% for name in key %}told.{{ name }}, {% endfor %}alias.chain_id
        order by told.known_at desc, told.chain_name
    ) = 1
{% endmacro %}
