{% set before = 'partition by asset_id order by day rows between unbounded preceding and 1 preceding' -%}
-- Daily returns on the price of one original unit, so that a change of units is no return. A close
-- that one venue alone shows is the day's price, but what is measured over days waits for the next
-- reading: confirmed, the move is that reading's; refuted, it never was. So no row changes later.
with price as (
    select * from {{ ref('int_asset_price_daily') }}
),

unit_factor as (
    select * from {{ ref('int_asset_unit_factor') }}
),

adjusted as (
    select
        price.asset_id,
        price.day,
        price.price_quality = 'unconfirmed' as is_unconfirmed,
        price.prior_close_verdict,
        price.close_usd * coalesce(unit_factor.unit_factor, 1) as adjusted_close_usd
    from price
    left join unit_factor
        on price.asset_id = unit_factor.asset_id
        and price.day >= unit_factor.valid_from
        and price.day < coalesce(unit_factor.valid_to, date '9999-12-31')
),

closing as (
    select
        *,
        lead(prior_close_verdict) over (partition by asset_id order by day) as later_verdict
    from adjusted
    where adjusted_close_usd is not null
),

told as (
    select
        adjusted.asset_id,
        adjusted.day,
        adjusted.adjusted_close_usd,
        case when not adjusted.is_unconfirmed then adjusted.adjusted_close_usd end
        as confirmed_close_usd,
        case
            when coalesce(closing.later_verdict, '') != 'refuted' then adjusted.adjusted_close_usd
        end as earlier_close_usd
    from adjusted
    left join closing
        on adjusted.asset_id = closing.asset_id
        and adjusted.day = closing.day
),

preceded as (
    select
        *,
        {{ last_known('confirmed_close_usd', before) }} as confirmed_close_1_usd,
        max(case when confirmed_close_usd is not null then day end) over ({{ before }})
        as confirmed_day_1,
        max(case when adjusted_close_usd is null then day end) over ({{ before }}) as empty_day_1
    from told
),

final as (
    select
        asset_id,
        day,
        adjusted_close_usd,
        confirmed_close_usd,
        -- what later days may look back to
        earlier_close_usd,
        -- from one confirmed close to the next: unconfirmed ones are stepped over, gaps are not
        case
            when confirmed_close_usd > 0
                and confirmed_close_1_usd > 0
                and coalesce(confirmed_day_1 > empty_day_1, true)
                then ln(confirmed_close_usd / confirmed_close_1_usd)
        end as logret_1d
    from preceded
)

select * from final
