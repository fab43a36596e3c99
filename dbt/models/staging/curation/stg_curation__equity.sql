{{ config(materialized='replaced_table') }}

{{ optional_parquet(curation_pattern('equity_daily'), {
    'exchange': 'varchar',
    'day': 'date',
    'equity_mcap_usd': 'double',
    'known_at': 'timestamptz',
    'is_deleted': 'boolean'
}) }}
