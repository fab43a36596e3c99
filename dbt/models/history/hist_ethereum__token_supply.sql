-- each run sees another block: no answer speaks of an earlier one, so none can delete it
{{ history_of(
    'ethereum', 'token_supply',
    key=['token', 'block_time'],
    entity='token', at='block_time', complete_at='block_time'
) }}
