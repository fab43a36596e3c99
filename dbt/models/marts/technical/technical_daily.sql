with indicator as (
    select * from {{ ref('int_technical_daily') }}
),

bar as (
    select * from {{ ref('int_asset_bar_daily') }}
),

level as (
    select * from {{ ref('int_level_daily') }}
    where is_nearest
),

universe as (
    select asset_id, day from {{ ref('int_universe_membership_daily') }}
    where universe_id = 'core' and is_member
),

technical_config as (
    select * from {{ ref('cfg_technical') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- members with a return against one another; equal returns share the middle of their ranks
ranked as (
    select
        universe.asset_id,
        universe.day,
        {% for n in [28, 90] %}
            indicator.ret_{{ n }}d,
            count(indicator.ret_{{ n }}d) over (partition by universe.day) as n_{{ n }}d,
            rank() over (partition by universe.day order by indicator.ret_{{ n }}d) - 1
            as below_{{ n }}d,
            count(*) over (partition by universe.day, indicator.ret_{{ n }}d) as equal_{{ n }}d
            {{- ',' if not loop.last }}
        {% endfor %}
    from universe
    inner join indicator
        on universe.asset_id = indicator.asset_id
        and universe.day = indicator.day
),

cross_section as (
    select
        ranked.asset_id,
        ranked.day,
        {% for n in [28, 90] %}
            case
                when ranked.ret_{{ n }}d is not null
                    and ranked.n_{{ n }}d >= technical_config.xsmom_min_assets
                    then 100 * (ranked.below_{{ n }}d + 0.5 * ranked.equal_{{ n }}d) / ranked.n_{{ n }}d
            end as xsmom_{{ n }}_pctile
            {{- ',' if not loop.last }}
        {% endfor %}
    from ranked
    cross join technical_config
),

nearest as (
    select
        asset_id,
        day,
        {% for side in ['support', 'resistance'] %}
            max(case when side = '{{ side }}' then level_usd end) as nearest_{{ side }}_usd,
            max(case when side = '{{ side }}' then abs(dist_atr) end) as {{ side }}_dist_atr
            {{- ',' if not loop.last }}
        {% endfor %}
    from level
    group by asset_id, day
),

-- the high that had stood for 30 days: a price that runs away from itself is above nothing
standing as (
    select
        asset_id,
        day,
        close_usd,
        max(close_usd) over ({{ days_back('unbounded', 30, 'asset_id') }}) as standing_high_usd,
        max(high_usd) over past_20d as high_20d_usd,
        min(low_usd) over past_20d as low_20d_usd,
        count(high_usd + low_usd) over past_20d as bar_20d_count
    from bar
    window past_20d as ({{ last_days(20, 'asset_id') }})
),

above as (
    select
        *,
        max(case when close_usd <= standing_high_usd or standing_high_usd is null then day end) over (
            partition by asset_id
            order by day
            rows between unbounded preceding and current row
        ) as last_not_above_day
    from standing
),

final as (
    select
        indicator.asset_id,
        indicator.day,
        indicator.sma_20,
        indicator.sma_50,
        indicator.sma_200,
        indicator.ema_12,
        indicator.ema_26,
        indicator.cross_50_200,
        indicator.cross_12_26,
        indicator.rsi_14,
        indicator.macd,
        indicator.macd_signal,
        indicator.macd_hist,
        indicator.tr,
        indicator.atr_14,
        indicator.natr_14,
        indicator.bb_mid,
        indicator.bb_up,
        indicator.bb_low,
        indicator.bb_pctb,
        indicator.bb_width,
        indicator.donchian_high_20,
        indicator.donchian_low_20,
        indicator.donch_pos,
        indicator.ret_28d,
        indicator.tsmom_28,
        indicator.tsmom_90,
        cross_section.xsmom_28_pctile,
        cross_section.xsmom_90_pctile,
        indicator.volume_z_30d,
        {% for prefix in ['pivot', 'pivot_week'] %}
            {% for name in ['p', 'r1', 's1', 'r2', 's2', 'r3', 's3'] %}
                indicator.{{ prefix }}_{{ name }},
            {% endfor %}
        {% endfor %}
        nearest.nearest_support_usd,
        nearest.nearest_resistance_usd,
        nearest.support_dist_atr,
        nearest.resistance_dist_atr,
        case
            when above.bar_20d_count = 20 and above.close_usd > 0
                then (above.high_20d_usd - above.low_20d_usd) / above.close_usd
        end as range_20d_frac,
        case
            when above.close_usd is null or above.standing_high_usd is null then null
            else cast({{ days_between('above.last_not_above_day', 'above.day') }} as bigint)
        end as days_above_prior_ath,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from indicator
    inner join above
        on indicator.asset_id = above.asset_id
        and indicator.day = above.day
    left join cross_section
        on indicator.asset_id = cross_section.asset_id
        and indicator.day = cross_section.day
    left join nearest
        on indicator.asset_id = nearest.asset_id
        and indicator.day = nearest.day
    cross join technical_config
    cross join build_stamp
)

select * from final
order by asset_id, day
