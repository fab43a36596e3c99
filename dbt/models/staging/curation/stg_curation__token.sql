{{ config(materialized='replaced_table') }}

{{ optional_parquet(curation_pattern('tokens'), {
    'address': 'varchar',
    'symbol': 'varchar',
    'decimals': 'bigint',
    'asset_id': 'varchar',
    'known_at': 'timestamptz',
    'is_deleted': 'boolean'
}) }}
