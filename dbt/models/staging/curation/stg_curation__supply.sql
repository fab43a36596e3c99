{{ config(materialized='replaced_table') }}

{{ optional_parquet(curation_pattern('supply_points'), {
    'asset_id': 'varchar',
    'concept': 'varchar',
    'day': 'date',
    'supply': 'double',
    'issuance_1d': 'double',
    'known_at': 'timestamptz',
    'is_deleted': 'boolean'
}) }}
