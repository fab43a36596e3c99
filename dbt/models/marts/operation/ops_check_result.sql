-- what checks of earlier runs found, and what this build refused by itself
with recorded as (
    select * from {{ ref('stg_ops__check_result') }}
),

gate as (
    select * from {{ ref('int_build_gate') }}
),

final as (
    select
        run_id,
        checked_at,
        check_kind,
        check_name,
        mart,
        severity,
        is_passed,
        failed_row_count,
        detail
    from recorded

    union all

    select
        run_id,
        checked_at,
        'dbt' as check_kind,
        check_name,
        mart,
        'warn' as severity,
        failed_row_count = 0 as is_passed,
        failed_row_count,
        detail
    from gate
)

select * from final
order by checked_at, run_id, check_kind, mart, check_name
