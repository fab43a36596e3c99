-- a reference rate is the rate at its label, every other metric describes the day that begins there
{{ history_of(
    'coinmetrics', 'asset_metrics',
    key=['asset', 'metric', 'time'],
    entity='asset', at='time',
    complete_at="case when metric like 'ReferenceRate%' then time else time + interval 1 day end"
) }}
