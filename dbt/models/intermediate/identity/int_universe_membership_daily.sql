-- who is looked at on which day, and why not. Everything is known on the day itself: the
-- class of that day, trailing windows, events that have taken effect.
with price as (
    select * from {{ ref('int_asset_price_daily') }}
),

class_interval as (
    select * from {{ ref('int_asset_class_interval') }}
),

token_event as (
    select * from {{ ref('int_token_event') }}
),

universe_config as (
    select * from {{ ref('cfg_universe') }}
    qualify row_number() over (partition by universe_id order by version desc) = 1
),

death as (
    select asset_id, min(effective_day) as dead_from
    from token_event
    where kind = 'dead'
    group by asset_id
),

-- a halt has no end of its own: trading that comes back ends it
halt as (
    select asset_id, effective_day as day
    from token_event
    where kind = 'halt'
),

windowed as (
    select
        price.asset_id,
        price.day,
        price.close_usd,
        min(case when price.close_usd is not null then price.day end) over (
            partition by price.asset_id
            order by price.day
            rows between unbounded preceding and current row
        ) as first_close_day,
        max(case when price.close_usd is not null then price.day end) over (
            partition by price.asset_id
            order by price.day
            rows between unbounded preceding and current row
        ) as last_close_day,
        sum(
            case
                when price.close_usd is not null and price.price_quality not in ('stale', 'unconfirmed')
                    then 1
                else 0
            end
        ) over past_30d / 30.0 as quality_30d_frac,
        median(price.volume_usd) over past_30d as volume_median_30d_usd,
        count(price.volume_usd) over past_30d as volume_30d_count
    from price
    window past_30d as ({{ last_days(30, 'price.asset_id') }})
),

halted as (
    select distinct windowed.asset_id, windowed.day
    from windowed
    inner join halt
        on windowed.asset_id = halt.asset_id
        and windowed.day >= halt.day
        and coalesce(windowed.last_close_day < halt.day, true)
),

described as (
    select
        universe_config.universe_id,
        windowed.asset_id,
        windowed.day,
        class_interval.asset_class,
        {{ days_between('windowed.first_close_day', 'windowed.day') }} + 1 as history_d,
        windowed.quality_30d_frac,
        case
            when windowed.volume_30d_count >= universe_config.volume_median_30d_min_obs
                then windowed.volume_median_30d_usd
        end as volume_median_30d_usd,
        coalesce(windowed.day >= death.dead_from, false) as is_dead,
        halted.asset_id is not null as is_halted,
        {{ in_text_list('class_interval.asset_class', 'universe_config.excluded_classes') }}
        as is_excluded_class,
        universe_config.min_history_d,
        universe_config.min_quality_30d_frac,
        universe_config.min_volume_median_30d_usd,
        universe_config.version
    from windowed
    cross join universe_config
    left join class_interval
        on windowed.asset_id = class_interval.asset_id
        and windowed.day >= class_interval.valid_from
        and windowed.day < coalesce(class_interval.valid_to, date '9999-12-31')
    left join death on windowed.asset_id = death.asset_id
    left join halted
        on windowed.asset_id = halted.asset_id
        and windowed.day = halted.day
),

judged as (
    select
        *,
        case
            when is_dead then 'dead'
            when is_halted then 'halted'
            when is_excluded_class or asset_class is null then 'asset_class'
            when history_d is null or history_d < min_history_d then 'young'
            -- fractions of 30 days: 24 of them are four fifths whatever the rounding
            when quality_30d_frac < min_quality_30d_frac - 1e-9 then 'quality'
            when volume_median_30d_usd is null then 'volume_unknown'
            when volume_median_30d_usd < min_volume_median_30d_usd then 'volume'
            else 'member'
        end as membership_reason
    from described
),

final as (
    select
        universe_id,
        asset_id,
        day,
        membership_reason = 'member' as is_member,
        membership_reason,
        case
            when membership_reason = 'member'
                then row_number() over (
                    partition by universe_id, day, membership_reason = 'member'
                    order by volume_median_30d_usd desc, asset_id
                )
        end as universe_rank,
        asset_class,
        cast(history_d as bigint) as history_d,
        quality_30d_frac,
        volume_median_30d_usd,
        version as universe_version
    from judged
)

select * from final
