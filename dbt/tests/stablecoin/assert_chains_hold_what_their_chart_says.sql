{{ config(severity='warn') }}

with chain_day as (
    select
        chain_day.chain,
        chain_day.day,
        {{ exact_sum('chain_day.circulating_native') }} as circulating_native
    from {{ ref('stablecoin_chain_daily') }} as chain_day
    inner join {{ ref('dim_stablecoin') }} as stablecoin
        on chain_day.stablecoin_id = stablecoin.stablecoin_id
    where stablecoin.is_current and stablecoin.peg_ref = 'USD'
    group by chain_day.chain, chain_day.day
),

chart as (
    select * from {{ ref('int_stablecoin_chart_daily') }}
    where peg_ref = 'USD'
)

select
    chain_day.chain,
    chain_day.day,
    chain_day.circulating_native,
    chart.circulating_native as charted_native
from chain_day
inner join chart on chain_day.chain = chart.chain and chain_day.day = chart.day
where chain_day.circulating_native > 1.05 * chart.circulating_native
