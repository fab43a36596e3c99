{{ history_of('defillama_stablecoins', 'chains', key=['chain', 'peg_type']) }}
