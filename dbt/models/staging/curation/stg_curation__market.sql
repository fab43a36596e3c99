{{ config(materialized='replaced_table') }}

{{ optional_parquet(curation_pattern('markets'), {
    'venue': 'varchar',
    'symbol': 'varchar',
    'base_code': 'varchar',
    'quote_code': 'varchar',
    'base_asset_id': 'varchar',
    'quote_asset_id': 'varchar',
    'listed_day': 'date',
    'delisted_day': 'date',
    'status': 'varchar',
    'known_at': 'timestamptz',
    'is_deleted': 'boolean'
}) }}
