-- which labels the lake has of each series of a table about days, by the names of the extraction log
with final as (
    {% for one in dated_tables() %}
        select
            '{{ one.source }}' as source,
            '{{ one.table }}' as table_name,
            {{ one.entity }} as entity_id,
            {{ one.series }} as series_id,
            {{ one.labelled }} as labelled,
            {{ adapter.quote(one.at) }} as label_at,
            {{ one.whole }} as is_whole,
            {{ one.is_event }} as is_event,
            {{ one.is_owed }} as is_owed,
            is_deleted,
            known_at
        from {{ ref(one.model) }}
        where {{ is_known() }} and {{ is_of_a_day(one.length, one.day) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
