with extraction as (
    select * from {{ ref('hist_lake__extraction') }}
),

final as (
    select
        source,
        load_id,
        table_name,
        entity_id,
        run_id,
        purpose,
        window_start as window_start_at,
        window_end as window_end_at,
        status,
        error,
        request_count,
        retry_count,
        throttle_count,
        rows_landed as landed_row_count,
        rows_quarantined as quarantined_row_count,
        byte_count,
        duration_s,
        known_at
    from extraction
    where {{ is_known() }}
)

select * from final
