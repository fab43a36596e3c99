{#- The condition that hides what was learnt after `as_of`; true when everything known is wanted. -#}
{% macro is_known(column='known_at') -%}
    {%- if var('as_of') -%}
        {{ column }} <= timestamptz '{{ var("as_of") }}'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#-
    The facts of a history model as known at `as_of`: the newest version of each, without deleted
    ones. Adds `first_known_at`, when the fact was first known.
-#}
{% macro latest_version(relation, key) %}
    select *
    from (
        select
            *,
            min(known_at) over (partition by {{ key | join(', ') }}) as first_known_at
        from {{ relation }}
        where {{ is_known() }}
        qualify row_number() over (
            partition by {{ key | join(', ') }}
            order by known_at desc, load_id desc
        ) = 1
    )
    where not is_deleted
{% endmacro %}
