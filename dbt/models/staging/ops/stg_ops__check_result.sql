{{ config(materialized='replaced_table') }}

with recorded as (
    {{ optional_parquet(lake_dir() ~ '/raw/ops/check_result/*.parquet', {
        'run_id': 'varchar',
        'checked_at': 'timestamptz',
        'check_kind': 'varchar',
        'check_name': 'varchar',
        'mart': 'varchar',
        'severity': 'varchar',
        'is_passed': 'boolean',
        'failed_row_count': 'bigint',
        'detail': 'varchar'
    }) }}
),

final as (
    select *
    from recorded
    where {{ is_known('checked_at') }}
)

select * from final
