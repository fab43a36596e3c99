{{ coinmetrics_metric(ref('hist_coinmetrics_archive__asset_metric'), 'coinmetrics_archive') }}
