{#-
    Which answers to the question for a whole list are believed. A list grows and shrinks by a few
    entries: one that lost a large part of them was cut off on its way, and what it lacks is not gone.
    It is held against the longest answer of the days before, so that it is cut off as well when it
    comes again, and a loss that stays is believed after them.

    relation: an extraction log: source, table_name, entity_id, window_start, status, rows_landed,
        known_at, load_id.

    Columns: source, table_name, load_id, known_at, entry_count, and
        longest_count  entries of the answer that it is held against; NULL: there is none
        is_cut_off     it is not believed
-#}
{% macro listing_answers(relation) %}
    with answer as (
        select
            source,
            table_name,
            load_id,
            max(known_at) as known_at,
            sum(rows_landed) as entry_count
        from {{ relation }}
        where entity_id = '*' and window_start is null and status in ('ok', 'partial')
        group by source, table_name, load_id
    ),

    listing_config as (
        select * from {{ ref('cfg_listing') }}
        qualify row_number() over (order by version desc) = 1
    ),

    previous as (
        select
            *,
            lag(entry_count) over (
                partition by source, table_name order by known_at, load_id
            ) as previous_count
        from answer
    ),

    compared as (
        select
            previous.source,
            previous.table_name,
            previous.load_id,
            previous.known_at,
            previous.entry_count,
            greatest(previous.previous_count, max(earlier.entry_count)) as longest_count
        from previous
        cross join listing_config
        left join answer as earlier
            on previous.source = earlier.source
            and previous.table_name = earlier.table_name
            and earlier.known_at < previous.known_at
            and {{ hours_between('earlier.known_at', 'previous.known_at') }}
            <= listing_config.cut_off_memory_h
        group by
            previous.source,
            previous.table_name,
            previous.load_id,
            previous.known_at,
            previous.entry_count,
            previous.previous_count
    )

    select
        compared.*,
        coalesce(
            compared.entry_count = 0 and compared.longest_count > 0
            or compared.longest_count - compared.entry_count >= listing_config.cut_off_min_count
            and compared.longest_count - compared.entry_count
            > listing_config.cut_off_min_frac * compared.longest_count,
            false
        ) as is_cut_off
    from compared
    cross join listing_config
{% endmacro %}
