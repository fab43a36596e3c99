with extraction as (
    select * from {{ ref('stg_lake__extraction') }}
),

quarantine as (
    select * from {{ ref('stg_lake__quarantine') }}
),

reason as (
    select source, load_id, table_name, reason, count(*) as row_count
    from quarantine
    group by source, load_id, table_name, reason
),

reason_text as (
    select
        source,
        load_id,
        table_name,
        cast(row_count as varchar) || ' x ' || reason as reason_text,
        reason
    from reason
),

refused as (
    select
        source,
        load_id,
        table_name,
        {{ joined_text('reason_text', '; ', 'reason') }} as quarantine_reasons
    from reason_text
    group by source, load_id, table_name
),

summed as (
    select
        source,
        load_id,
        table_name,
        max(run_id) as run_id,
        max(known_at) as fetched_at,
        -- what a sweep reads again is no part of the run's own days
        min(case when purpose is distinct from 'sweep' then window_start_at end) as window_start_at,
        max(case when purpose is distinct from 'sweep' then window_end_at end) as window_end_at,
        count(*) as entity_count,
        sum(case when status = 'ok' then 1 else 0 end) as ok_count,
        sum(case when status = 'partial' then 1 else 0 end) as partial_count,
        sum(case when status = 'error' then 1 else 0 end) as error_count,
        sum(case when status = 'skipped' then 1 else 0 end) as skipped_count,
        min(error) as first_error,
        sum(request_count) as request_count,
        sum(retry_count) as retry_count,
        sum(throttle_count) as throttle_count,
        sum(landed_row_count) as landed_row_count,
        sum(quarantined_row_count) as quarantined_row_count,
        sum(byte_count) as byte_count,
        {{ exact_sum('duration_s') }} as duration_s
    from extraction
    group by source, load_id, table_name
),

final as (
    select
        summed.source,
        summed.load_id,
        summed.table_name,
        summed.run_id,
        summed.fetched_at,
        summed.window_start_at,
        summed.window_end_at,
        case
            when summed.ok_count = summed.entity_count then 'ok'
            when summed.ok_count + summed.partial_count > 0 then 'partial'
            when summed.error_count > 0 then 'error'
            else 'skipped'
        end as status,
        summed.first_error,
        summed.entity_count,
        cast(summed.ok_count as bigint) as ok_count,
        cast(summed.partial_count as bigint) as partial_count,
        cast(summed.error_count as bigint) as error_count,
        cast(summed.skipped_count as bigint) as skipped_count,
        cast(summed.request_count as bigint) as request_count,
        cast(summed.retry_count as bigint) as retry_count,
        cast(summed.throttle_count as bigint) as throttle_count,
        cast(summed.landed_row_count as bigint) as landed_row_count,
        cast(summed.quarantined_row_count as bigint) as quarantined_row_count,
        refused.quarantine_reasons,
        cast(summed.byte_count as bigint) as byte_count,
        summed.duration_s
    from summed
    left join refused
        on summed.source = refused.source
        and summed.load_id = refused.load_id
        and summed.table_name = refused.table_name
)

select * from final
order by fetched_at, source, load_id, table_name
