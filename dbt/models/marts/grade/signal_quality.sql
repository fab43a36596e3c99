-- is it any good? The only mart with forward returns in it: nothing that decides may read it
with quality as (
    select * from {{ ref('int_signal_quality') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        quality.measure_kind,
        quality.measure,
        quality.universe,
        quality.period,
        quality.horizon_d,
        quality.statistic,
        quality.quantile,
        quality.statistic_value,
        quality.standard_error,
        quality.t_stat,
        quality.lag_count,
        quality.day_count,
        quality.first_day as first_measured_day,
        quality.last_day as last_measured_day,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from quality
    cross join build_stamp
)

select * from final
order by measure_kind, measure, universe, period, horizon_d, statistic, quantile
