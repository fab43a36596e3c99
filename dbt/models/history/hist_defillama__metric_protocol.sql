{{ history_of('defillama', 'metric_protocols', key=['metric', 'protocol_id'], entity='metric') }}
