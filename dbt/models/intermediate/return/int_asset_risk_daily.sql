with asset_return as (
    select * from {{ ref('int_asset_return_daily') }}
),

risk_path as (
    select * from {{ ref('int_risk_path_daily') }}
),

bar as (
    select asset_id, day, high_usd, low_usd, volume_usd from {{ ref('int_asset_bar_daily') }}
),

risk_config as (
    select * from {{ ref('cfg_risk') }}
    qualify row_number() over (order by version desc) = 1
),

measure_config as (
    select * from {{ ref('cfg_risk_measure') }}
    qualify row_number() over (order by version desc) = 1
),

bitcoin as (
    select day, settled_logret_1d as btc_logret_1d
    from asset_return
    where asset_id = 'bitcoin'
),

-- beta and correlation take the days that both have
paired as (
    select
        asset_return.asset_id,
        asset_return.day,
        asset_return.settled_close_usd,
        asset_return.settled_logret_1d as logret_1d,
        exp(asset_return.settled_logret_1d) - 1 as simple_ret_1d,
        -- a high below the low says nothing about the range
        case
            when bar.low_usd > 0 and bar.high_usd >= bar.low_usd
                then power(ln(bar.high_usd / bar.low_usd), 2)
        end as log_range_square,
        case
            when bar.volume_usd > 0
                then abs(exp(asset_return.settled_logret_1d) - 1) / bar.volume_usd * 1e6
        end as illiquidity,
        case when bitcoin.btc_logret_1d is not null then asset_return.settled_logret_1d end as own_logret,
        case when asset_return.settled_logret_1d is not null then bitcoin.btc_logret_1d end as btc_logret
    from asset_return
    left join bitcoin on asset_return.day = bitcoin.day
    left join bar
        on asset_return.asset_id = bar.asset_id
        and asset_return.day = bar.day
),

-- what fell short of the target, over all observations
fallen as (
    select
        paired.*,
        -- a day without a return is no day without a loss: least() would overlook the NULL
        case
            when paired.simple_ret_1d is not null
                then power(least(0, paired.simple_ret_1d - measure_config.target_ret_1d), 2)
        end as shortfall_square
    from paired
    cross join measure_config
),

-- under names of its own, since a day joins the windows of its last settled day
windowed as (
    select
        asset_id as windowed_asset_id,
        day as windowed_day,
        settled_close_usd,
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
        {% for n in [90, 365] %}
            avg(simple_ret_1d) over past_{{ n }}d as mean_ret_{{ n }}d,
            stddev_samp(simple_ret_1d) over past_{{ n }}d as ret_stdev_{{ n }}d,
            avg(shortfall_square) over past_{{ n }}d as shortfall_{{ n }}d,
            count(simple_ret_1d) over past_{{ n }}d as ret_{{ n }}d_count,
        {% endfor %}
        avg(shortfall_square) over past_30d as shortfall_30d,
        count(shortfall_square) over past_30d as shortfall_30d_count,
        avg(log_range_square) over past_30d as log_range_square_30d,
        count(log_range_square) over past_30d as log_range_30d_count,
        avg(illiquidity) over past_30d as illiquidity_30d,
        count(illiquidity) over past_30d as illiquidity_30d_count,
        avg(own_logret) over past_90d as own_mean_90d,
        avg(btc_logret) over past_90d as btc_mean_90d,
        min(case when settled_close_usd is not null then day end) over so_far as first_close_day,
        count(settled_close_usd) over so_far as close_count,
        max(settled_close_usd) over so_far as peak_usd
    from fallen
    window
        {% for n in [7, 30, 90, 180, 365] %}
            past_{{ n }}d as ({{ last_days(n, 'asset_id') }}),
        {% endfor %}
        so_far as (
            partition by asset_id
            order by day
            rows between unbounded preceding and current row
        )
),

settled as (
    select
        *,
        min(case when peak_usd > 0 then settled_close_usd / peak_usd - 1 end) over (
            partition by windowed_asset_id
            order by windowed_day
            rows between unbounded preceding and current row
        ) as deepest_fall_frac
    from windowed
),

looked_back as (
    select
        asset_id,
        day,
        settled_day,
        adjusted_close_usd,
        {% for n in [1, 7, 14, 30, 90, 180, 365] %}
            {{ value_days_ago('earlier_close_usd', n, 'asset_id') }} as close_{{ n }}d_ago_usd{{ ',' if not loop.last }}
        {% endfor %}
    from asset_return
),

first_close as (
    select asset_id, settled_close_usd as first_close_usd
    from asset_return
    where settled_close_usd > 0
    qualify row_number() over (partition by asset_id order by day) = 1
),

measured as (
    select
        looked_back.*,
        settled.*,
        -- how deep the day stands, whether a later reading confirms it or not
        case
            when settled.peak_usd > 0
                then looked_back.adjusted_close_usd / greatest(settled.peak_usd, looked_back.adjusted_close_usd) - 1
        end as fall_frac,
        first_close.first_close_usd,
        {{ days_between('settled.first_close_day', 'looked_back.day') }} as age_d,
        case
            when paired_90d_count < risk_config.beta_min_obs
                or btc_stdev_90d < risk_config.min_stdev
                then null
            when looked_back.asset_id = 'bitcoin' then 1
            when own_stdev_90d < risk_config.min_stdev then 0
            -- cov / var: the correlation times the ratio of the standard deviations
            else corr_90d * own_stdev_90d / btc_stdev_90d
        end as beta_btc_90d
    from looked_back
    cross join risk_config
    left join settled
        on looked_back.asset_id = settled.windowed_asset_id
        and looked_back.settled_day = settled.windowed_day
    left join first_close on looked_back.asset_id = first_close.asset_id
),

final as (
    select
        measured.asset_id,
        measured.day,
        {% for n in [1, 7, 14, 30, 90, 180, 365] %}
            case
                when measured.close_{{ n }}d_ago_usd > 0
                    then measured.adjusted_close_usd / measured.close_{{ n }}d_ago_usd - 1
            end as ret_{{ n }}d,
        {% endfor %}
        case
            when measured.close_1d_ago_usd > 0
                then ln(measured.adjusted_close_usd / measured.close_1d_ago_usd)
        end as logret_1d,
        {% for n in [7, 30, 90, 180] %}
            case
                when measured.obs_{{ n }}d_count >= risk_config.vol_min_obs_frac * {{ n }}
                    then measured.stdev_{{ n }}d * sqrt(365)
            end as vol_{{ n }}d_ann,
        {% endfor %}
        risk_path.ewma_vol_ann,
        case
            when measured.log_range_30d_count >= measure_config.parkinson_30d_min_obs
                then sqrt(365 * measured.log_range_square_30d / (4 * ln(2)))
        end as parkinson_vol_ann,
        case
            when measured.shortfall_30d_count >= measure_config.downside_30d_min_obs
                then sqrt(measured.shortfall_30d)
        end as downside_dev_30d,
        {% for n in [90, 365] %}
            case
                when measured.ret_{{ n }}d_count >= measure_config.ratio_min_obs_frac * {{ n }}
                    and measured.ret_stdev_{{ n }}d >= measure_config.sd_floor
                    then (measured.mean_ret_{{ n }}d - measure_config.risk_free_1d)
                        / measured.ret_stdev_{{ n }}d * sqrt(365)
            end as sharpe_{{ n }}d,
            case
                when measured.ret_{{ n }}d_count >= measure_config.ratio_min_obs_frac * {{ n }}
                    and sqrt(measured.shortfall_{{ n }}d) >= measure_config.sd_floor
                    then (measured.mean_ret_{{ n }}d - measure_config.target_ret_1d)
                        / sqrt(measured.shortfall_{{ n }}d) * sqrt(365)
            end as sortino_{{ n }}d,
        {% endfor %}
        measured.fall_frac as drawdown_frac,
        risk_path.max_drawdown_90d,
        risk_path.max_drawdown_365d,
        case
            when measured.close_count >= measure_config.drawdown_min_obs
                then measured.deepest_fall_frac
        end as max_drawdown_all,
        case
            when measured.age_d >= measure_config.cagr_min_d
                then power(measured.adjusted_close_usd / measured.first_close_usd, 365.0 / measured.age_d) - 1
        end as cagr_all,
        measured.beta_btc_90d,
        case
            when measured.asset_id = 'bitcoin' and measured.beta_btc_90d is not null then 0
            else 365 * (measured.own_mean_90d - measured.beta_btc_90d * measured.btc_mean_90d)
        end as alpha_btc_ann,
        {% for n in [30, 90] %}
            case
                when measured.paired_{{ n }}d_count < risk_config.corr_{{ n }}d_min_obs
                    or measured.own_stdev_{{ n }}d < risk_config.min_stdev
                    or measured.btc_stdev_{{ n }}d < risk_config.min_stdev
                    then null
                when measured.asset_id = 'bitcoin' then 1
                else greatest(-1, least(1, measured.corr_{{ n }}d))
            end as corr_btc_{{ n }}d,
        {% endfor %}
        risk_path.var95_1d,
        risk_path.es95_1d,
        risk_path.skew,
        risk_path.kurt_excess,
        risk_path.tail_ratio,
        risk_path.profit_factor,
        case
            when measured.illiquidity_30d_count >= measure_config.amihud_30d_min_obs
                then measured.illiquidity_30d
        end as amihud_30d
    from measured
    left join risk_path
        on measured.asset_id = risk_path.asset_id
        and measured.settled_day = risk_path.day
    cross join risk_config
    cross join measure_config
)

select * from final
order by asset_id, day
