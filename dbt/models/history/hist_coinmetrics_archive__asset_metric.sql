-- the labels are those of the API: see hist_coinmetrics__asset_metric
{{ history_of(
    'coinmetrics_archive', 'asset_metrics',
    key=['asset', 'metric', 'time'],
    entity='asset', at='time',
    complete_at="case when metric like 'ReferenceRate%' then time else time + interval 1 day end"
) }}
