{{ config(materialized='replaced_view') }}

-- do altcoins beat bitcoin while it rests or cools? The phase is the one of the evening before:
-- what somebody could have known when the day's return began.
with phase as (
    select day, btc_phase from {{ ref('int_btc_phase_daily') }}
    where btc_phase is not null
),

total as (
    select day, alt_ret_1d from {{ ref('int_market_total_daily') }}
),

bitcoin as (
    select day, exp(logret_1d) - 1 as btc_ret_1d from {{ ref('int_asset_return_daily') }}
    where asset_id = 'bitcoin'
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

followed as (
    select
        phase.btc_phase,
        total.alt_ret_1d,
        bitcoin.btc_ret_1d,
        total.alt_ret_1d - bitcoin.btc_ret_1d as excess_ret_1d
    from phase
    inner join total on phase.day + 1 = total.day
    inner join bitcoin on phase.day + 1 = bitcoin.day
    where total.alt_ret_1d is not null and bitcoin.btc_ret_1d is not null
),

summed as (
    select
        btc_phase,
        count(*) as phase_day_count,
        avg(alt_ret_1d) as alt_ret_1d_mean,
        avg(btc_ret_1d) as btc_ret_1d_mean,
        avg(excess_ret_1d) as excess_ret_1d_mean,
        case when count(*) > 1 then stddev_samp(excess_ret_1d) / sqrt(count(*)) end as excess_ret_1d_se,
        avg(case when excess_ret_1d > 0 then 1.0 else 0.0 end) as alts_ahead_frac
    from followed
    group by btc_phase
),

final as (
    select
        summed.btc_phase,
        summed.phase_day_count,
        summed.alt_ret_1d_mean,
        summed.btc_ret_1d_mean,
        summed.excess_ret_1d_mean,
        summed.excess_ret_1d_se,
        summed.alts_ahead_frac,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from summed
    cross join build_stamp
)

select * from final
