with asset_return as (
    select * from {{ ref('int_asset_return_daily') }}
),

risk_config as (
    select * from {{ ref('cfg_risk') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

bitcoin as (
    select day, logret_1d as btc_logret_1d
    from asset_return
    where asset_id = 'bitcoin'
),

-- beta and correlation take the days that both have (R-11, R-13)
paired as (
    select
        asset_return.asset_id,
        asset_return.day,
        asset_return.adjusted_close_usd,
        asset_return.logret_1d,
        case when bitcoin.btc_logret_1d is not null then asset_return.logret_1d end as own_logret,
        case when asset_return.logret_1d is not null then bitcoin.btc_logret_1d end as btc_logret
    from asset_return
    left join bitcoin on asset_return.day = bitcoin.day
),

windowed as (
    select
        asset_id,
        day,
        adjusted_close_usd,
        logret_1d,
        {% for n in [1, 7, 14, 30, 90, 180, 365] %}
            {{ value_days_ago('adjusted_close_usd', n, 'asset_id') }} as close_{{ n }}d_ago_usd,
        {% endfor %}
        {% for n in [7, 30, 90, 180] %}
            stddev_samp(logret_1d) over past_{{ n }}d as stdev_{{ n }}d,
            count(logret_1d) over past_{{ n }}d as obs_{{ n }}d_count,
        {% endfor %}
        {% for n in [30, 90] %}
            corr(own_logret, btc_logret) over past_{{ n }}d as corr_{{ n }}d,
            stddev_samp(own_logret) over past_{{ n }}d as own_stdev_{{ n }}d,
            stddev_samp(btc_logret) over past_{{ n }}d as btc_stdev_{{ n }}d,
            count(own_logret) over past_{{ n }}d as paired_{{ n }}d_count,
        {% endfor %}
        max(adjusted_close_usd) over (
            partition by asset_id
            order by day
            rows between unbounded preceding and current row
        ) as peak_usd
    from paired
    window
        {% for n in [7, 30, 90, 180] %}
            past_{{ n }}d as ({{ last_days(n, 'asset_id') }}){{ ',' if not loop.last }}
        {% endfor %}
),

final as (
    select
        windowed.asset_id,
        windowed.day,
        {% for n in [1, 7, 14, 30, 90, 180, 365] %}
            case
                when windowed.close_{{ n }}d_ago_usd > 0
                    then windowed.adjusted_close_usd / windowed.close_{{ n }}d_ago_usd - 1
            end as ret_{{ n }}d,
        {% endfor %}
        windowed.logret_1d,
        {% for n in [7, 30, 90, 180] %}
            case
                when windowed.obs_{{ n }}d_count >= risk_config.vol_min_obs_frac * {{ n }}
                    then windowed.stdev_{{ n }}d * sqrt(365)
            end as vol_{{ n }}d_ann,
        {% endfor %}
        case
            when windowed.peak_usd > 0 then windowed.adjusted_close_usd / windowed.peak_usd - 1
        end as drawdown_frac,
        case
            when windowed.paired_90d_count < risk_config.beta_min_obs
                or windowed.btc_stdev_90d < risk_config.min_stdev
                then null
            when windowed.asset_id = 'bitcoin' then 1
            when windowed.own_stdev_90d < risk_config.min_stdev then 0
            -- cov / var: the correlation times the ratio of the standard deviations
            else windowed.corr_90d * windowed.own_stdev_90d / windowed.btc_stdev_90d
        end as beta_btc_90d,
        {% for n in [30, 90] %}
            case
                when windowed.paired_{{ n }}d_count < risk_config.corr_{{ n }}d_min_obs
                    or windowed.own_stdev_{{ n }}d < risk_config.min_stdev
                    or windowed.btc_stdev_{{ n }}d < risk_config.min_stdev
                    then null
                when windowed.asset_id = 'bitcoin' then 1
                else greatest(-1, least(1, windowed.corr_{{ n }}d))
            end as corr_btc_{{ n }}d,
        {% endfor %}
        build_stamp.as_of_ts,
        build_stamp.model_version
    from windowed
    cross join risk_config
    cross join build_stamp
)

select * from final
order by asset_id, day
