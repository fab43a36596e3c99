{{ config(materialized='replaced_table') }}

{{ optional_parquet(curation_pattern('stablecoins'), {
    'stablecoin_id': 'varchar',
    'name': 'varchar',
    'symbol': 'varchar',
    'gecko_id': 'varchar',
    'peg_type': 'varchar',
    'peg_mechanism': 'varchar',
    'asset_id': 'varchar',
    'backing_asset_id': 'varchar',
    'launch_day': 'date',
    'dead_from': 'date',
    'yield_bearing': 'boolean',
    'known_at': 'timestamptz',
    'is_deleted': 'boolean'
}) }}
