{% set before = 'partition by asset_id order by day rows between unbounded preceding and 1 preceding' -%}
-- Daily returns on the price of one original unit, so that a change of units is no return. What is
-- measured over days goes from one confirmed close to the next; what the day showed is kept beside
-- it. So no row changes later.
with bar as (
    select * from {{ ref('int_asset_bar_daily') }}
),

closing as (
    select
        asset_id,
        day,
        lead(prior_close_verdict) over (partition by asset_id order by day) as later_verdict
    from bar
    where shown_close_usd is not null
),

told as (
    select
        bar.asset_id,
        bar.day,
        bar.is_unconfirmed,
        bar.shown_close_usd as adjusted_close_usd,
        bar.confirmed_close_usd,
        case
            when coalesce(closing.later_verdict, '') != 'refuted' then bar.shown_close_usd
        end as earlier_close_usd
    from bar
    left join closing
        on bar.asset_id = closing.asset_id
        and bar.day = closing.day
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
        is_unconfirmed,
        -- what later days may look back to
        earlier_close_usd,
        -- days that wait for their confirmation are stepped over, gaps are not
        case
            when confirmed_close_usd > 0
                and confirmed_close_1_usd > 0
                and coalesce(confirmed_day_1 > empty_day_1, true)
                then ln(confirmed_close_usd / confirmed_close_1_usd)
        end as logret_1d
    from preceded
)

select * from final
