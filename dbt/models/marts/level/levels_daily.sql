-- what stands above and below the close, as it was known on the day
with swing as (
    select * from {{ ref('int_level_daily') }}
),

indicator as (
    select * from {{ ref('int_technical_daily') }}
),

price as (
    select asset_id, day, close_usd from {{ ref('int_asset_price_daily') }}
    where close_usd is not null
),

level_config as (
    select * from {{ ref('cfg_level') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

pivot_day as (
    {% for prefix in ['pivot', 'pivot_week'] %}
        {% for name in ['p', 'r1', 's1', 'r2', 's2', 'r3', 's3'] %}
            select
                asset_id,
                day,
                '{{ prefix }}_{{ name }}' as level_id,
                '{{ 'pivot_week' if prefix == 'pivot_week' else 'pivot_day' }}' as level_kind,
                {{ prefix }}_{{ name }} as level_usd,
                atr_14
            from indicator
            where {{ prefix }}_{{ name }} is not null
            {{ 'union all' if not loop.last }}
        {% endfor %}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

sided as (
    select
        pivot_day.*,
        price.close_usd,
        case
            when pivot_day.level_usd < price.close_usd then 'support'
            when pivot_day.level_usd > price.close_usd then 'resistance'
            else 'at'
        end as side
    from pivot_day
    inner join price
        on pivot_day.asset_id = price.asset_id
        and pivot_day.day = price.day
),

placed as (
    select
        *,
        row_number() over (
            partition by asset_id, day, level_kind, side
            order by abs(level_usd - close_usd), level_id
        ) as place
    from sided
),

final as (
    select
        swing.asset_id,
        swing.day,
        swing.level_id,
        swing.level_kind,
        swing.level_usd,
        swing.side,
        swing.is_nearest,
        swing.dist_atr,
        swing.known_from_day,
        swing.price_known_from_day,
        swing.last_swing_day,
        cast(swing.swing_count as bigint) as swing_count,
        cast(swing.touch_count as bigint) as touch_count,
        swing.strength,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from swing
    cross join level_config
    cross join build_stamp

    union all

    select
        placed.asset_id,
        placed.day,
        placed.level_id,
        placed.level_kind,
        placed.level_usd,
        placed.side,
        placed.place = 1 and placed.side != 'at' as is_nearest,
        case
            when placed.atr_14 > 0 then (placed.level_usd - placed.close_usd) / placed.atr_14
        end as dist_atr,
        -- known when the day (the week) before was over
        case placed.level_kind
            when 'pivot_week' then cast(date_trunc('week', placed.day) as date) - 1
            else placed.day - 1
        end as known_from_day,
        case placed.level_kind
            when 'pivot_week' then cast(date_trunc('week', placed.day) as date) - 1
            else placed.day - 1
        end as price_known_from_day,
        cast(null as date) as last_swing_day,
        cast(null as bigint) as swing_count,
        cast(null as bigint) as touch_count,
        cast(null as double) as strength,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from placed
    cross join level_config
    cross join build_stamp
    where placed.place <= level_config.max_pivots_per_side or placed.side = 'at'
)

select * from final
order by asset_id, day, level_kind, level_id
