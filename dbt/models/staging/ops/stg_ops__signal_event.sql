{{ config(materialized='replaced_table') }}

-- numbers that publications gave to changes of signals: a number once given is never given again.
-- They are names, not knowledge: a build as of an earlier instant must not give them to others.
with recorded as (
    {{ optional_parquet(lake_dir() ~ '/raw/ops/signal_event/*.parquet', {
        'event_id': 'varchar',
        'event_seq': 'bigint',
        'published_at': 'timestamptz'
    }) }}
),

final as (
    select
        event_id,
        min(event_seq) as event_seq,
        min(published_at) as published_at
    from recorded
    group by event_id
)

select * from final
