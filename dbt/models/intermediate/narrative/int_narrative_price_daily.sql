-- prices and market caps of assets that were ever members, for the baskets
with member as (
    select distinct asset_id from {{ ref('int_narrative_member_daily') }}
),

asset_return as (
    select * from {{ ref('int_asset_return_daily') }}
),

market_cap as (
    select asset_id, day, mcap_usd from {{ ref('int_asset_mcap_daily') }}
),

death as (
    select asset_id, min(effective_day) as dead_from
    from {{ ref('int_token_event') }}
    where kind = 'dead'
    group by asset_id
),

final as (
    select
        asset_return.asset_id,
        asset_return.day,
        asset_return.adjusted_close_usd as close_usd,
        market_cap.mcap_usd,
        death.dead_from
    from asset_return
    inner join member on asset_return.asset_id = member.asset_id
    left join market_cap
        on asset_return.asset_id = market_cap.asset_id
        and asset_return.day = market_cap.day
    left join death on asset_return.asset_id = death.asset_id
)

select * from final
