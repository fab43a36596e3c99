with supply as (
    select * from {{ ref('stablecoin_supply_daily') }}
),

stablecoin as (
    select * from {{ ref('dim_stablecoin') }}
    where is_current
),

summed as (
    select
        supply.*,
        sum(supply.net_mint_1d_usd) over past_7d as net_mint_summed_usd,
        count(supply.net_mint_1d_usd) over past_7d as obs_count
    from supply
    inner join stablecoin on supply.stablecoin_id = stablecoin.stablecoin_id
    -- what is minted at a par that moves does not add up
    where stablecoin.peg_ref = 'USD'
    window past_7d as ({{ last_days(7, 'supply.stablecoin_id', day='supply.day') }})
)

select stablecoin_id, day, net_mint_7d_usd, net_mint_summed_usd
from summed
where obs_count = 7
    and abs(net_mint_7d_usd - net_mint_summed_usd) > 1e-6 * greatest(1, supply_par_usd)
