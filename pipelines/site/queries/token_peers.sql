-- of: asset_id
select
    asset_id,
    day,
    sector,
    metric as metric_id,
    case metric
        when 'pf_circ_x' then 'price to fees'
        when 'pf_fdv_x' then 'price to fees, fully diluted'
        when 'ps_circ_x' then 'price to revenue'
        when 'ps_fdv_x' then 'price to revenue, fully diluted'
        when 'mcap_tvl_x' then 'cap to value locked'
        when 'volume_to_mcap_x' then 'volume to cap'
        else replace(replace(metric, '_frac', ''), '_', ' ')
    end as metric,
    metric_value,
    sector_median,
    premium_to_median_frac,
    sector_pctile,
    peer_count
from marts.peers
where metric_value is not null and sector_median is not null
order by asset_id, metric
