-- how many of today's units one original unit became, from which day on. An event counts
-- where it makes the series continuous: venues that had switched before show no break, and must not
-- get one from the ratio.
with token_event as (
    select * from {{ ref('int_token_event') }}
),

price as (
    select * from {{ ref('int_asset_price_daily') }}
),

-- a migration to another asset leaves the old one's units as they were
unit_event as (
    select asset_id, effective_day, ratio
    from token_event
    where kind in ('redenomination', 'migration')
        and ratio > 0
        and ratio != 1
        and coalesce(successor_asset_id, asset_id) = asset_id
),

before_event as (
    select
        unit_event.asset_id,
        unit_event.effective_day,
        unit_event.ratio,
        max_by(price.close_usd, price.day) as close_usd
    from unit_event
    inner join price
        on unit_event.asset_id = price.asset_id
        and price.day < unit_event.effective_day
        and price.close_usd is not null
    group by unit_event.asset_id, unit_event.effective_day, unit_event.ratio
),

after_event as (
    select
        unit_event.asset_id,
        unit_event.effective_day,
        min_by(price.close_usd, price.day) as close_usd
    from unit_event
    inner join price
        on unit_event.asset_id = price.asset_id
        and price.day >= unit_event.effective_day
        and price.close_usd is not null
    group by unit_event.asset_id, unit_event.effective_day
),

visible as (
    select before_event.asset_id, before_event.effective_day, before_event.ratio
    from before_event
    inner join after_event
        on before_event.asset_id = after_event.asset_id
        and before_event.effective_day = after_event.effective_day
    where abs(ln(after_event.close_usd * before_event.ratio / before_event.close_usd))
        < abs(ln(after_event.close_usd / before_event.close_usd))
),

chained as (
    select
        visible.asset_id,
        visible.effective_day as valid_from,
        min(later.effective_day) as valid_to,
        max(visible.ratio) as ratio
    from visible
    left join visible as later
        on visible.asset_id = later.asset_id
        and later.effective_day > visible.effective_day
    group by visible.asset_id, visible.effective_day
),

final as (
    select
        asset_id,
        valid_from,
        valid_to,
        {{ product_of('ratio', 'over (partition by asset_id order by valid_from)') }} as unit_factor
    from chained
)

select * from final
