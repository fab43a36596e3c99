{{ history_of('okx', 'instruments', key=['inst_type', 'inst_id']) }}
