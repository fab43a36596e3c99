-- freshness is about the data's days, not about runs: a run that loads yesterday's cache is not fresh
with source_series as (
    select * from {{ ref('int_source_series_daily') }}
),

coverage as (
    select * from {{ ref('ops_coverage') }}
    where entity_id = '*'
),

-- a table without a lag is an archive: nothing is due
source_convention as (
    select *
    from ({{ source_convention() }})
    where timestamp_convention != 'snapshot' and publish_lag_h is not null
),

ops_config as (
    select * from {{ ref('cfg_ops') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- what settles at a midnight is an event of the day that begins with it, which is not over
observed as (
    select
        source_series.source,
        source_series.table_name,
        max(source_series.day) as newest_day
    from source_series
    inner join build_stamp on {{ day_start('source_series.day + 1') }} <= build_stamp.as_of_ts
    group by source_series.source, source_series.table_name
),

-- a column that ended is not fresh because others go on; a mart is as fresh as its freshest number. A row
-- of NULLs on a missing day is no news.
published as (
    select
        'column' as subject_kind,
        mart || '.' || column_name as subject,
        last_day as newest_day
    from coverage
    where data_type = 'double'

    union all

    select 'mart' as subject_kind, mart as subject, max(last_day) as newest_day
    from coverage
    where data_type = 'double'
    group by mart
),

-- a mart is due when its slowest source is; no mart waits for the working days of reference rates
slowest as (
    select max(publish_lag_h) as publish_lag_h from source_convention
    where timestamp_convention not in ('working_day', 'prior_working_day')
),

subject as (
    select
        'source' as subject_kind,
        source_convention.source || '.' || source_convention.table_name as subject,
        observed.newest_day,
        source_convention.publish_lag_h as declared_lag_h
    from source_convention
    left join observed
        on source_convention.source = observed.source
        and source_convention.table_name = observed.table_name

    union all

    select
        published.subject_kind,
        published.subject,
        published.newest_day,
        slowest.publish_lag_h as declared_lag_h
    from published
    cross join slowest
),

measured as (
    select
        subject.*,
        build_stamp.as_of_ts,
        {{ hours_between(day_start('subject.newest_day + 1'), 'build_stamp.as_of_ts') }} as lag_h
    from subject
    cross join build_stamp
),

final as (
    select
        measured.subject_kind,
        measured.subject,
        measured.newest_day,
        measured.lag_h,
        cast(measured.declared_lag_h as double) as declared_lag_h,
        case
            when measured.newest_day is null then 'empty'
            when measured.lag_h <= measured.declared_lag_h + ops_config.late_after_h then 'fresh'
            when measured.lag_h <= measured.declared_lag_h + ops_config.stale_after_h then 'late'
            else 'stale'
        end as status,
        measured.as_of_ts
    from measured
    cross join ops_config
)

select * from final
order by subject_kind desc, subject
