{{ history_of('defillama_yields', 'pools', key=['pool']) }}
