{{ config(severity='warn') }}

with fundamentals as (
    select * from {{ ref('protocol_fundamentals_daily') }}
    where chain_id = '__total__'
),

growth as (
    select * from {{ ref('int_protocol_growth_daily') }}
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
)

select
    'revenue above fees' as problem,
    protocol_id,
    day,
    fees_usd as whole_usd,
    revenue_usd as part_usd
from fundamentals
where revenue_usd > 1.005 * fees_usd

union all

select
    'holders get more than the revenue of 30 days' as problem,
    growth.protocol_id,
    growth.day,
    growth.revenue_30d_usd as whole_usd,
    growth.holders_revenue_30d_usd as part_usd
from growth
cross join defi_config
where growth.holders_revenue_30d_usd
    > (1 + defi_config.attribution_tolerance_frac) * growth.revenue_30d_usd
