-- the raw values of the factors of the trader grade and the trend score, before anybody is ranked. What has no
-- source is NULL and takes no part.
with membership as (
    select * from {{ ref('int_universe_membership_daily') }}
    where universe_id = 'core' and membership_reason != 'asset_class'
),

indicator as (
    select * from {{ ref('int_technical_daily') }}
),

risk as (
    select * from {{ ref('int_asset_risk_daily') }}
),

asset_return as (
    select * from {{ ref('int_asset_return_daily') }}
),

activity as (
    select * from {{ ref('int_asset_activity_daily') }}
),

derivative as (
    select * from {{ ref('int_asset_derivative_daily') }}
),

fundamentals as (
    select asset_id, day, tvl_usd, usd_inflow_7d_usd from {{ ref('int_token_fundamentals_daily') }}
),

defi_convention as (
    select max(publish_lag_h) as publish_lag_h
    from {{ ref('meta_source') }}
    where source = 'defillama' and table_name in ('protocol_tvl', 'protocol_metrics')
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

-- a source that answers hours after the close speaks for a later decision
inflow as (
    select
        fundamentals.asset_id,
        fundamentals.day + cast(greatest(
            0, ceil((defi_convention.publish_lag_h - price_config.decision_lag_h) / 24.0)
        ) as integer) as day,
        fundamentals.usd_inflow_7d_usd / fundamentals.tvl_usd as inflow_7d_frac
    from fundamentals
    cross join defi_convention
    cross join price_config
    cross join defi_config
    where fundamentals.tvl_usd >= defi_config.tvl_floor_usd
),

price_factor as (
    select * from {{ ref('int_price_factor_daily') }}
),

factor_config as (
    select * from {{ ref('cfg_factor') }}
    qualify row_number() over (order by version desc) = 1
),

bitcoin as (
    select day, ret_14d as btc_ret_14d
    from risk
    where asset_id = 'bitcoin'
),

-- the shortfall counts over all observations, not over the bad ones alone
shortfall as (
    select
        asset_return.asset_id,
        asset_return.day,
        case
            when asset_return.logret_1d is not null
                then least(0, exp(asset_return.logret_1d) - 1 - factor_config.downside_target)
        end as shortfall_frac
    from asset_return
    cross join factor_config
),

downside as (
    select
        asset_id,
        day,
        sqrt(avg(shortfall_frac * shortfall_frac) over past_30d) as downside_deviation_30d,
        count(shortfall_frac) over past_30d as obs_30d_count
    from shortfall
    window past_30d as ({{ last_days(30, 'asset_id') }})
),

usage as (
    select
        asset_id,
        day,
        {% for n in [7, 28] %}
            avg(active_addresses) over past_{{ n }}d as mean_{{ n }}d,
            count(active_addresses) over past_{{ n }}d as obs_{{ n }}d_count
            {{- ',' if not loop.last }}
        {% endfor %}
    from activity
    window
        {% for n in [7, 28] %}
            past_{{ n }}d as ({{ last_days(n, 'asset_id') }}){{ ',' if not loop.last }}
        {% endfor %}
),

final as (
    select
        membership.asset_id,
        membership.day,
        membership.is_member as in_universe,
        case
            when indicator.atr_14 > 0 then (indicator.ema_12 - indicator.ema_26) / indicator.atr_14
        end as trend,
        indicator.donch_pos as breakout,
        case
            when indicator.rsi_14 is not null
                then greatest(
                    -factor_config.strength_clip,
                    least(factor_config.strength_clip, indicator.rsi_14 - factor_config.rsi_middle)
                )
        end as strength,
        {% for n in [7, 28] %}
            case
                when risk.vol_30d_ann >= factor_config.min_stdev * sqrt(365)
                    then {{ 'risk.ret_7d' if n == 7 else 'indicator.ret_28d' }}
                        / (risk.vol_30d_ann / sqrt(365) * sqrt({{ n }}))
            end as mom_{{ n }},
        {% endfor %}
        risk.ret_14d - bitcoin.btc_ret_14d as rel_btc,
        case
            when downside.obs_30d_count >= factor_config.downside_min_obs
                then downside.downside_deviation_30d
        end as downside,
        indicator.volume_z_30d * sign(risk.ret_7d) as vol_conf,
        derivative.funding_z_90d as crowding,
        -- a network's users, or what was brought to a token's protocols of what lies there
        case
            when usage.mean_28d > 0
                and usage.obs_7d_count >= factor_config.usage_fast_min_obs
                and usage.obs_28d_count >= factor_config.usage_slow_min_obs
                then usage.mean_7d / usage.mean_28d - 1
            else inflow.inflow_7d_frac
        end as usage,
        price_factor.range_30d,
        price_factor.residual_volatility_60d,
        price_factor.max5_gain_60d,
        price_factor.volume_shock_7d_90d,
        price_factor.return_14d,
        price_factor.age
    from membership
    cross join factor_config
    left join indicator
        on membership.asset_id = indicator.asset_id
        and membership.day = indicator.day
    left join risk
        on membership.asset_id = risk.asset_id
        and membership.day = risk.day
    left join price_factor
        on membership.asset_id = price_factor.asset_id
        and membership.day = price_factor.day
    left join downside
        on membership.asset_id = downside.asset_id
        and membership.day = downside.day
    left join bitcoin on membership.day = bitcoin.day
    left join derivative
        on membership.asset_id = derivative.asset_id
        and membership.day = derivative.day
    left join usage
        on membership.asset_id = usage.asset_id
        and membership.day = usage.day
    left join inflow
        on membership.asset_id = inflow.asset_id
        and membership.day = inflow.day
)

select * from final
