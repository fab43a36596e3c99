{{ history_of('defillama', 'chains', key=['chain']) }}
