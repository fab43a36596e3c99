{{ history_of('kraken', 'asset_pairs', key=['pair_id']) }}
