{% set before = 'partition by asset_id order by day rows between unbounded preceding and 1 preceding' -%}
-- Canonical bars in the asset's first units, so that a change of units moves no indicator;
-- `unit_ratio` leads back to the units of the row's own day. What is measured over days waits for
-- the next reading where one venue alone shows a jump: on the day itself the bar stands still; the
-- day that confirms it has the move, and the pending day's high and low with it. So each row is what
-- was known on its day, and a crash is in every window a day later at most.
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
        {% for column in ['high_usd', 'low_usd', 'close_usd'] %}
            price.{{ column }} * coalesce(unit_factor.unit_factor, 1) as {{ column }},
        {% endfor %}
        price.price_quality = 'unconfirmed' as is_unconfirmed,
        price.prior_close_verdict,
        price.volume_usd,
        price.traded_volume_usd,
        coalesce(unit_factor.unit_factor, 1) as unit_ratio
    from price
    left join unit_factor
        on price.asset_id = unit_factor.asset_id
        and price.day >= unit_factor.valid_from
        and price.day < coalesce(unit_factor.valid_to, date '9999-12-31')
),

-- the reading before, where this one has confirmed it
pending as (
    select
        asset_id,
        day,
        {% for column in ['high_usd', 'low_usd', 'close_usd'] %}
            case
                when prior_close_verdict = 'confirmed'
                    then lag({{ column }}) over (partition by asset_id order by day)
            end as {{ column }},
        {% endfor %}
    from adjusted
    where close_usd is not null
),

settled as (
    select
        adjusted.*,
        case
            when adjusted.is_unconfirmed then pending.close_usd else adjusted.close_usd
        end as confirmed_close_usd,
        case
            when adjusted.is_unconfirmed then pending.high_usd
            else greatest(adjusted.high_usd, coalesce(pending.high_usd, adjusted.high_usd))
        end as confirmed_high_usd,
        case
            when adjusted.is_unconfirmed then pending.low_usd
            else least(adjusted.low_usd, coalesce(pending.low_usd, adjusted.low_usd))
        end as confirmed_low_usd
    from adjusted
    left join pending
        on adjusted.asset_id = pending.asset_id
        and adjusted.day = pending.day
),

held as (
    select
        *,
        case
            when close_usd is not null and confirmed_close_usd is null
                then {{ last_known('confirmed_close_usd', before) }}
        end as held_usd
    from settled
),

final as (
    select
        asset_id,
        day,
        coalesce(confirmed_high_usd, held_usd) as high_usd,
        coalesce(confirmed_low_usd, held_usd) as low_usd,
        coalesce(confirmed_close_usd, held_usd) as close_usd,
        confirmed_close_usd,
        -- what the day showed, confirmed or not
        close_usd as shown_close_usd,
        is_unconfirmed,
        prior_close_verdict,
        volume_usd,
        traded_volume_usd,
        unit_ratio
    from held
)

select * from final
