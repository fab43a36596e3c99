{{ config(materialized='table') }}

-- numbers that earlier publications gave to alerts: a number once given is never given again
with recorded as (
    {{ optional_parquet(lake_dir() ~ '/raw/ops/alert/*.parquet', {
        'alert_id': 'varchar',
        'event_seq': 'bigint',
        'published_at': 'timestamptz'
    }) }}
),

final as (
    select
        alert_id,
        min(event_seq) as event_seq,
        min(published_at) as published_at
    from recorded
    where {{ is_known('published_at') }}
    group by alert_id
)

select * from final
