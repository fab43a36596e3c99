{{ config(materialized='replaced_table') }}

{{ optional_parquet(curation_pattern('narratives'), {
    'asset_id': 'varchar',
    'narrative_id': 'varchar',
    'valid_from': 'date',
    'valid_to': 'date',
    'weight': 'double',
    'known_at': 'timestamptz',
    'is_deleted': 'boolean'
}) }}
