{{ history_of(
    'defillama_stablecoins', 'balances',
    key=['stablecoin_id', 'chain', 'day_time'],
    entity='stablecoin_id', at='day_time',
    complete_at=final_at('day_time', 'defillama_stablecoins', 'balances')
) }}
