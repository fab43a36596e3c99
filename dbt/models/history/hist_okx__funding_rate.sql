{{ history_of(
    'okx', 'funding_rate_history',
    key=['inst_id', 'funding_time'],
    entity='inst_id', at='funding_time', complete_at='funding_time'
) }}
