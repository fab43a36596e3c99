{#-
    Rows of a raw table with the `day` that each describes, by the seed `meta_source_convention`: the one
    place where a label becomes a day. A label that is no midnight describes no day and has no row, unless
    the rows are events; nor has a label that no convention speaks of.

    Where a convention follows on one whose labels were a day ahead of it, two labels would describe one
    day: the earlier one does. In the other direction no label describes the day between; it is a gap.

    rows: a relation, such as a CTE.
    at: its column with the label.
    source_name, table_name: the raw table.
    series: its column that the conventions' patterns are about.
-#}
{% macro dated(rows, at, source_name, table_name, series) -%}
    {{ dated_of_several(rows, at, text_literal(source_name), text_literal(table_name), series) }}
{%- endmacro %}


{#- The same of rows of several raw tables: source_name and table_name are SQL over the row `fact`. -#}
{% macro dated_of_several(rows, at, source_name, table_name, series) -%}
    {%- set label_day = utc_day('fact.' ~ at) %}
    select
        fact.*,
        {{ label_day }} - convention.shift_d as day
    from {{ rows }} as fact
    inner join (
        select
            series.source,
            series.table_name,
            series.name,
            convention.shift_d,
            convention.is_event,
            convention.first_label,
            convention.end_label
        from (
            select distinct
                {{ source_name }} as source,
                {{ table_name }} as table_name,
                fact.{{ series }} as name
            from {{ rows }} as fact
        ) as series
        inner join ({{ label_conventions() }}) as convention
            on series.source = convention.source
            and series.table_name = convention.table_name
            and series.name like convention.pattern
        qualify dense_rank() over (
            partition by series.source, series.table_name, series.name
            order by length(replace(convention.pattern, '%', '')) desc
        ) = 1
    ) as convention
        on {{ source_name }} = convention.source
        and {{ table_name }} = convention.table_name
        and fact.{{ series }} = convention.name
        and {{ label_day }} >= convention.first_label
        and {{ label_day }} < convention.end_label
    where convention.is_event or fact.{{ at }} = {{ day_start(label_day) }}
{%- endmacro %}


{#- The conventions of raw tables, newest versions, with the labels that each holds for. -#}
{% macro label_conventions() -%}
    select
        source,
        table_name,
        pattern,
        shift_d,
        is_event,
        first_label + greatest(0, shift_d - lag(shift_d, 1, shift_d) over by_label) as first_label,
        least(end_label, lead(first_label, 1, end_label) over by_label) as end_label
    from (
        select
            source,
            table_name,
            coalesce(series, '%') as pattern,
            case when timestamp_convention = 'point_in_time' then 1 else 0 end as shift_d,
            timestamp_convention = 'event' as is_event,
            coalesce(valid_from, date '1970-01-01') as first_label,
            coalesce(valid_to, date '9999-12-31') as end_label
        from {{ ref('meta_source_convention') }}
        qualify row_number() over (
            partition by source, table_name, coalesce(series, '%'), valid_from
            order by version desc
        ) = 1
    )
    window by_label as (partition by source, table_name, pattern order by first_label)
{%- endmacro %}


{#-
    When what a label tells is final: a state at a midnight at once, the figure of a day at its end.
-#}
{% macro final_at(at, source_name, table_name) -%}
    {{ at }} + interval 1 day * (1 - coalesce((
        select max(convention.shift_d)
        from ({{ label_conventions() }}) as convention
        where convention.source = '{{ source_name }}'
            and convention.table_name = '{{ table_name }}'
            and convention.pattern = '%'
            and {{ utc_day(at) }} >= convention.first_label
            and {{ utc_day(at) }} < convention.end_label
    ), 0))
{%- endmacro %}


{#- What holds for the newest labels of whole tables: `meta_source` and its convention. -#}
{% macro source_convention() -%}
    select
        meta_source.*,
        convention.timestamp_convention
    from {{ ref('meta_source') }} as meta_source
    inner join (
        select *
        from {{ ref('meta_source_convention') }}
        where series is null
        qualify row_number() over (
            partition by source, table_name
            order by valid_from desc nulls last, version desc
        ) = 1
    ) as convention
        on meta_source.source = convention.source
        and meta_source.table_name = convention.table_name
{%- endmacro %}
