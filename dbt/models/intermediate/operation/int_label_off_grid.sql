-- rows in the lake, of tables of days, whose label begins no day: staging has no day for them, and the
-- gate tells them. What was taken back since is not counted.
with final as (
    {% for one in day_tables() %}
        {%- set at = adapter.quote(one.at) %}
        select
            '{{ one.source }}' as source,
            '{{ one.table }}' as table_name,
            {{ one.series }} as entity_id,
            {{ at }} as label_at
        from {{ ref(one.model) }}
        where
            {{ is_known() }} and {{ is_of_a_day(one.length, one.day) }}
            and {{ at }} != {{ day_start(utc_day(at)) }}
        group by {{ one.series }}, {{ at }}
        having not max_by(is_deleted, known_at)
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from final
