-- of: asset_id
with newest as (
    select * from marts.pair_correlation_daily_latest where b_kind = 'asset'
),

both_ways as (
    select a_id as asset_id, b_id as other_id, b_symbol as symbol, b_name as name, * from newest
    union all
    select b_id as asset_id, a_id as other_id, a_symbol as symbol, a_name as name, * from newest
)

select asset_id, other_id, symbol, name, day, corr_30d, corr_prior_90d, breakdown_flag
from both_ways
where corr_30d is not null
order by asset_id, corr_30d desc, other_id
