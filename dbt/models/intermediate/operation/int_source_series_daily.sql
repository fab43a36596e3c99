-- which days of which series are landed, for the raw tables that owe a row a day; a row that its source
-- has taken back since is no gap of ours, so the newest version need not be looked for
with label as (
    select source, table_name, entity_id, labelled, label_at
    from {{ ref('stg_lake__label') }}
    where is_owed and is_whole and not is_deleted
),

rollup as (
    select * from {{ ref('int_market_candle_rollup_daily') }}
),

dated as (
    {{ dated_of_several('label', 'label_at', 'fact.source', 'fact.table_name', series='labelled') }}
),

final as (
    select source, table_name, entity_id, day
    from dated

    union

    -- a venue's hours say what its day was, be they all there or not
    select
        venue_id as source,
        {{ candle_table('venue_id') }} as table_name,
        symbol as entity_id,
        day
    from rollup

    union

    -- of the hours themselves, a day with some missing is not landed: what is there stands beside the gap
    select
        venue_id as source,
        {{ candle_table('venue_id') }} || '_intraday' as table_name,
        series_id as entity_id,
        day
    from rollup
    where is_complete
)

select * from final
