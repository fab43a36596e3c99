-- how many members of the universe take part in a move
with universe as (
    select asset_id, day from {{ ref('int_universe_membership_daily') }}
    where universe_id = 'core' and is_member
),

indicator as (
    select asset_id, day, close_usd, sma_50 from {{ ref('int_technical_daily') }}
),

asset_return as (
    select
        asset_id,
        day,
        adjusted_close_usd,
        logret_1d,
        max(adjusted_close_usd) over past_90d as highest_90d_usd,
        count(adjusted_close_usd) over past_90d as close_90d_count
    from {{ ref('int_asset_return_daily') }}
    window past_90d as ({{ last_days(90, 'asset_id') }})
),

grade as (
    select asset_id, day, trader_grade from {{ ref('int_trader_grade_daily') }}
    where trader_grade is not null
),

regime_config as (
    select * from {{ ref('cfg_regime') }}
    qualify row_number() over (order by version desc) = 1
),

described as (
    select
        universe.day,
        case when indicator.close_usd > indicator.sma_50 then 1 when indicator.sma_50 is not null and indicator.close_usd is not null then 0 end as is_above,
        case when asset_return.logret_1d > 0 then 1 when asset_return.logret_1d is not null then 0 end as is_up,
        case when asset_return.logret_1d < 0 then 1 when asset_return.logret_1d is not null then 0 end as is_down,
        case
            when asset_return.close_90d_count >= regime_config.new_high_min_obs
                and asset_return.adjusted_close_usd is not null
                then case when asset_return.adjusted_close_usd >= asset_return.highest_90d_usd then 1 else 0 end
        end as is_new_high,
        case
            when grade.trader_grade is not null
                then case when grade.trader_grade >= regime_config.grade_high_floor then 1 else 0 end
        end as is_high_grade,
        regime_config.breadth_min_assets
    from universe
    cross join regime_config
    left join indicator
        on universe.asset_id = indicator.asset_id
        and universe.day = indicator.day
    left join asset_return
        on universe.asset_id = asset_return.asset_id
        and universe.day = asset_return.day
    left join grade
        on universe.asset_id = grade.asset_id
        and universe.day = grade.day
),

final as (
    select
        day,
        count(*) as universe_count,
        case
            when count(is_above) >= max(breadth_min_assets) then 1.0 * sum(is_above) / count(is_above)
        end as breadth_above_sma50,
        -- unchanged prices are on neither side; a day on which nothing moves has no direction
        case
            when count(is_up) >= max(breadth_min_assets) and sum(is_up) + sum(is_down) > 0
                then 1.0 * (sum(is_up) - sum(is_down)) / (sum(is_up) + sum(is_down))
        end as adv_dec,
        case
            when count(is_new_high) >= max(breadth_min_assets)
                then 1.0 * sum(is_new_high) / count(is_new_high)
        end as pct_new_high_90d,
        case
            when count(is_high_grade) >= max(breadth_min_assets)
                then 1.0 * sum(is_high_grade) / count(is_high_grade)
        end as pct_grade_high
    from described
    group by day
)

select * from final
