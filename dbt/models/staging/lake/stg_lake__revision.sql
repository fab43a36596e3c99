-- what sources said later than they had said first. One row per changed fact, column and version.
with changed as (
    {% for one in restated_tables() %}
        {{ revisions_of(one) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

of_a_day as (
    {{ dated_of_several('changed', 'label_at', 'fact.source', 'fact.table_name', series='labelled') }}
),

final as (
    select * from of_a_day

    union all

    -- hours and minutes lie within their day
    select
        *,
        {{ utc_day('label_at') }} as day
    from changed
    where labelled is null
)

select
    source,
    table_name,
    source_id,
    day,
    column_name,
    measure,
    old_value,
    new_value,
    cause,
    known_at,
    previous_known_at,
    mart
from final
