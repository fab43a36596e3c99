-- units that exist on the ledger, escrow and treasury included (supply_onchain), as observed
-- for that very day: never carried forward here. One row per asset and day.
with network_metric as (
    select * from {{ ref('int_network_metric_daily') }}
    where metric = 'supply_native' and value > 0
),

token_supply as (
    select * from {{ ref('int_token_supply_daily') }}
    where supply_native > 0
),

-- a contract of a token that is issued on other chains, too, tells a part
token_scope as (
    select * from {{ ref('map_token_scope') }}
    where is_whole_supply
),

alias as (
    select * from {{ ref('int_asset_alias') }}
    where source = 'ethereum'
),

described as (
    select
        asset_id, day, value as supply_native, source as supply_source, 1 as preference,
        asset_id as source_id, first_known_at
    from network_metric

    union all

    select
        alias.asset_id,
        token_supply.day,
        token_supply.supply_native,
        'ethereum' as supply_source,
        2 as preference,
        token_supply.token as source_id,
        token_supply.first_known_at
    from token_supply
    inner join token_scope on token_supply.token = token_scope.token
    inner join alias
        on token_supply.token = alias.source_id
        and token_supply.day >= alias.valid_from
        and token_supply.day < coalesce(alias.valid_to, date '9999-12-31')
),

final as (
    select
        asset_id,
        day,
        supply_native,
        supply_source,
        case supply_source
            when 'blockchain_info' then 'charts'
            when 'ethereum' then 'transfers'
            else 'asset_metrics'
        end as supply_table,
        first_known_at
    from described
    qualify row_number() over (partition by asset_id, day order by preference, source_id) = 1
)

select * from final
