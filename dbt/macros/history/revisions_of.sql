{#-
    What a source said first and what it said later: the changes between consecutive versions
    of a history model. A fact's first version is no change; what comes back after a deletion is
    compared with what was there before it.

    of: an entry of restated_tables, with
        source, table the raw table
        model         its history
        key           columns that identify a fact
        id            those of them that name it, beside its instant
        labelled      the column that conventions of labels are about, where rows are of days
        at            the column with the label
        measures      columns, each with its measure of cfg_revision; without one it is looked up
                      by the name of the metric
        named_by      of a long table: the column with that name
        mart          the mart whose numbers rest on it

    Columns: source, table_name, source_id, labelled, label_at, column_name, measure, old_value,
    new_value, cause, known_at, previous_known_at, mart.
-#}
{% macro revisions_of(of) -%}
    {%- set key = of.key | join(', ') %}
    select
        '{{ of.source }}' as source,
        '{{ of.table }}' as table_name,
        source_id,
        labelled,
        label_at,
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
        {% for one in of.measures %}
            {%- set column = adapter.quote(one.column) %}
            select
                concat_ws('/', {{ of.id | join(', ') }}) as source_id,
                {{ of.labelled or 'cast(null as varchar)' }} as labelled,
                {{ adapter.quote(of.at) }} as label_at,
                {{ of.named_by or text_literal(one.column) }} as column_name,
                cast({{ text_literal(one.measure) if one.measure else 'null' }} as varchar) as measure,
                cast({{ column }} as double) as new_value,
                {{ last_known(
                    'cast(' ~ column ~ ' as double)',
                    'partition by ' ~ key ~ ' order by known_at, load_id'
                    ~ ' rows between unbounded preceding and 1 preceding'
                ) }} as old_value,
                is_deleted,
                lag(is_deleted) over (partition by {{ key }} order by known_at, load_id) as was_deleted,
                known_at,
                lag(known_at) over (partition by {{ key }} order by known_at, load_id) as previous_known_at
            from {{ ref(of.model) }}
            -- most facts never change: only those that did are put in order
            inner join (
                select {{ key }}
                from {{ ref(of.model) }}
                where {{ is_known() }}
                group by {{ key }}
                having count(*) > 1
            ) using ({{ key }})
            where {{ is_known() }}
            {{ 'union all' if not loop.last }}
        {% endfor %}
    )
    where
        -- a value where there was none is no change: the source had not got it yet
        old_value is not null
        and (new_value is distinct from old_value or was_deleted)
{%- endmacro %}
