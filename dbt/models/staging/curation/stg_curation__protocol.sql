{{ config(materialized='replaced_table') }}

{{ optional_parquet(curation_pattern('protocols'), {
    'protocol': 'varchar',
    'asset_id': 'varchar',
    'parent': 'varchar',
    'known_at': 'timestamptz',
    'is_deleted': 'boolean'
}) }}
