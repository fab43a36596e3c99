{{ history_of('defillama', 'protocols', key=['protocol_id']) }}
