{{ config(severity='warn') }}

with peg as (
    select * from {{ ref('stablecoin_peg_daily') }}
),

stablecoin_config as (
    select * from {{ ref('cfg_stablecoin') }}
    qualify row_number() over (order by version desc) = 1
)

select peg.stablecoin_id, peg.day, peg.dev_bps, supply.supply_rank
from peg
inner join {{ ref('dim_stablecoin') }} as stablecoin
    on peg.stablecoin_id = stablecoin.stablecoin_id
    and peg.day >= stablecoin.valid_from
    and peg.day < coalesce(stablecoin.valid_to, date '9999-12-31')
inner join {{ ref('stablecoin_supply_daily') }} as supply
    on peg.stablecoin_id = supply.stablecoin_id
    and peg.day = supply.day
cross join stablecoin_config
where stablecoin.mechanism = 'fiat'
    and supply.supply_rank <= stablecoin_config.review_rank
    and abs(peg.dev_bps) >= stablecoin_config.review_bps
