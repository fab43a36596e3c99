{#-
    What a source said first and what it said later: the changes between consecutive versions
    of a history model. A fact's first version is no change; what comes back after a deletion is
    compared with what was there before it.

    of: mapping with
        relation      a history model
        source, table the raw table
        key           columns that identify a fact
        id            those of them that name it, beside its instant
        day           SQL of the UTC day that the fact describes
        measures      list of [column, measure of cfg_revision]; of a long table the measure is
                      looked up by the column `name_of`
        mart          the mart whose numbers rest on it
        where         SQL that versions must fulfil, if any

    Columns: source, table_name, source_id, day, column_name, measure, old_value, new_value, cause,
    known_at, previous_known_at, mart.
-#}
{% macro revisions_of(of) -%}
    {%- set key = of.key | join(', ') %}
    select
        '{{ of.source }}' as source,
        '{{ of.table }}' as table_name,
        source_id,
        day,
        column_name,
        measure,
        old_value,
        new_value,
        case
            when is_deleted then 'deleted'
            when was_deleted then 'restored'
            when new_value is null then 'withdrawn'
            else 'restated'
        end as cause,
        known_at,
        previous_known_at,
        '{{ of.mart }}' as mart
    from (
        {% for column, measure in of.measures %}
            select
                concat_ws('/', {{ of.id | join(', ') }}) as source_id,
                {{ of.day }} as day,
                {{ of.get('name_of', "'" ~ column ~ "'") }} as column_name,
                cast({{ "'" ~ measure ~ "'" if measure else 'null' }} as varchar) as measure,
                cast({{ adapter.quote(column) }} as double) as new_value,
                {{ last_known(
                    'cast(' ~ adapter.quote(column) ~ ' as double)',
                    'partition by ' ~ key ~ ' order by known_at, load_id'
                    ~ ' rows between unbounded preceding and 1 preceding'
                ) }} as old_value,
                is_deleted,
                lag(is_deleted) over (partition by {{ key }} order by known_at, load_id) as was_deleted,
                known_at,
                lag(known_at) over (partition by {{ key }} order by known_at, load_id) as previous_known_at
            from {{ of.relation }}
            -- most facts never change: only those that did are put in order
            inner join (
                select {{ key }}
                from {{ of.relation }}
                where {{ is_known() }} {{ 'and ' ~ of.where if of.where else '' }}
                group by {{ key }}
                having count(*) > 1
            ) using ({{ key }})
            where {{ is_known() }} {{ 'and ' ~ of.where if of.where else '' }}
            {{ 'union all' if not loop.last }}
        {% endfor %}
    )
    where
        -- a value where there was none is no change: the source had not got it yet
        old_value is not null
        and (new_value is distinct from old_value or was_deleted)
{%- endmacro %}
