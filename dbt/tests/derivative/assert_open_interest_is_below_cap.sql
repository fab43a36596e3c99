{{ config(severity='warn') }}

with derivative as (
    select asset_id, day, oi_usd from {{ ref('derivatives_daily') }}
),

capital as (
    select asset_id, day, mcap_usd from {{ ref('int_asset_mcap_daily') }}
),

derivative_config as (
    select * from {{ ref('cfg_derivative') }}
    qualify row_number() over (order by version desc) = 1
)

select derivative.asset_id, derivative.day, derivative.oi_usd, capital.mcap_usd
from derivative
inner join capital
    on derivative.asset_id = capital.asset_id
    and derivative.day = capital.day
cross join derivative_config
where derivative.oi_usd > derivative_config.oi_to_mcap_warn * capital.mcap_usd
