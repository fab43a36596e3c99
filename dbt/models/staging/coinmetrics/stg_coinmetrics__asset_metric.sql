{{ coinmetrics_metric(ref('hist_coinmetrics__asset_metric'), 'coinmetrics') }}
