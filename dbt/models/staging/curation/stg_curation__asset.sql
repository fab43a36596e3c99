{{ config(materialized='replaced_table') }}

{{ optional_parquet(curation_pattern('assets'), {
    'asset_id': 'varchar',
    'symbol': 'varchar',
    'name': 'varchar',
    'asset_class': 'varchar',
    'coinmetrics_id': 'varchar',
    'coingecko_id': 'varchar',
    'known_at': 'timestamptz',
    'is_deleted': 'boolean'
}) }}
