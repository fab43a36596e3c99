{{ history_of(
    'defillama_stablecoins', 'charts',
    key=['chain', 'peg_type', 'day_time'],
    entity='chain', at='day_time',
    complete_at=final_at('day_time', 'defillama_stablecoins', 'charts')
) }}
