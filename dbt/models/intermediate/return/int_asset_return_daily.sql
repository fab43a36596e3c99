{% set before = 'partition by asset_id order by day rows between unbounded preceding and 1 preceding' -%}
{% set so_far = 'partition by asset_id order by day rows between unbounded preceding and current row' -%}
-- Daily returns on the price of one original unit, so that a change of units is no return. Where one
-- venue alone shows a jump, what is measured over days stands still until a later reading decides,
-- and then has both moves or neither: a window of row d is that of its `settled_day`, the last one
-- that is decided, over `settled_logret_1d`. So no row changes later, and no move is lost.
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

reported as (
    select
        bar.asset_id,
        bar.day,
        bar.is_unconfirmed,
        bar.shown_close_usd as adjusted_close_usd,
        bar.confirmed_close_usd,
        case
            when coalesce(closing.later_verdict, '') != 'refuted' then bar.shown_close_usd
        end as earlier_close_usd,
        case
            when not bar.is_unconfirmed then bar.confirmed_close_usd
            when closing.later_verdict = 'confirmed' then bar.shown_close_usd
        end as settled_close_usd,
        lag(bar.day) over (partition by bar.asset_id order by bar.day) as day_before
    from bar
    left join closing
        on bar.asset_id = closing.asset_id
        and bar.day = closing.day
),

preceded as (
    select
        *,
        {% for kind in ['confirmed', 'settled'] %}
            {{ last_known(kind ~ '_close_usd', before) }} as {{ kind }}_close_1_usd,
            max(case when {{ kind }}_close_usd is not null then day end) over ({{ before }})
            as {{ kind }}_day_1,
        {% endfor %}
        max(case when adjusted_close_usd is null then day end) over ({{ before }}) as empty_day_1,
        {{ last_known('case when adjusted_close_usd is not null then is_unconfirmed end', so_far) }} as is_waiting,
        {{ last_known('case when adjusted_close_usd is not null then day_before end', so_far) }} as decided_day
    from reported
),

final as (
    select
        asset_id,
        day,
        adjusted_close_usd,
        confirmed_close_usd,
        settled_close_usd,
        is_unconfirmed,
        -- what later days may look back to
        earlier_close_usd,
        {% for kind in ['confirmed', 'settled'] %}
            -- days that are no such close are stepped over, gaps are not
            case
                when {{ kind }}_close_usd > 0
                    and {{ kind }}_close_1_usd > 0
                    and coalesce({{ kind }}_day_1 > empty_day_1, true)
                    then ln({{ kind }}_close_usd / {{ kind }}_close_1_usd)
            end as {{ 'logret_1d' if kind == 'confirmed' else 'settled_logret_1d' }},
        {% endfor %}
        -- the reading of a day decides the one before, also where it waits itself
        case when is_waiting then decided_day else day end as settled_day
    from preceded
)

select * from final
