{{ config(severity='warn') }}

with supply as (
    select
        asset_id,
        day,
        mcap_basis,
        supply_circulating_native / unit_factor as supply_first
    from {{ ref('int_asset_supply_daily') }}
    where supply_circulating_native is not null
),

supply_config as (
    select * from {{ ref('cfg_supply') }}
    qualify row_number() over (order by version desc) = 1
)

select
    today.asset_id,
    today.day,
    yesterday.mcap_basis as basis_before,
    today.mcap_basis,
    today.supply_first / yesterday.supply_first - 1 as break_frac
from supply as today
inner join supply as yesterday
    on today.asset_id = yesterday.asset_id
    and today.day = yesterday.day + 1
    and today.mcap_basis != yesterday.mcap_basis
cross join supply_config
where abs(today.supply_first / yesterday.supply_first - 1) > supply_config.max_gap_frac
