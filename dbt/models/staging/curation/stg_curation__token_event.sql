{{ config(materialized='replaced_table') }}

{{ optional_parquet(curation_pattern('token_events'), {
    'asset_id': 'varchar',
    'kind': 'varchar',
    'effective_day': 'date',
    'ratio': 'double',
    'successor_asset_id': 'varchar',
    'known_at': 'timestamptz',
    'is_deleted': 'boolean'
}) }}
