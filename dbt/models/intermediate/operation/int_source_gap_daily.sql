-- the days that a series owes and that are not in the lake, and why
with landed as (
    select * from {{ ref('int_source_series_daily') }}
),

-- days that are there in part
rollup as (
    select * from {{ ref('int_market_candle_rollup_daily') }}
),

extraction as (
    select * from {{ ref('stg_lake__extraction') }}
),

source_convention as (
    {{ source_convention() }}
),

market as (
    select * from {{ ref('int_market_identity') }}
),

ops_config as (
    select * from {{ ref('cfg_ops') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- the tables that owe a row a day, and the last day that each can have published; of those that have
-- rows only when something happens, only days without an answer are missing
owing as (
    select
        source_convention.source,
        source_convention.table_name,
        source_convention.is_sparse,
        source_convention.timestamp_convention in ('working_day', 'prior_working_day') as is_of_working_days,
        -- a label that means the end of the day before
        case when source_convention.timestamp_convention = 'point_in_time' then 1 else 0 end as shift_d,
        {{ utc_day(
            "build_stamp.as_of_ts - cast(source_convention.publish_lag_h as bigint) * interval '1' hour"
        ) }} - 1 as last_due_day,
        {{ utc_day('build_stamp.as_of_ts') }} - source_convention.reach_d as first_reachable_day
    from source_convention
    cross join build_stamp
    -- a list is as of the request; of what no longer grows nothing is due
    where source_convention.timestamp_convention != 'snapshot'
        and source_convention.publish_lag_h is not null
),

asked as (
    select
        extraction.source,
        extraction.table_name,
        extraction.entity_id,
        extraction.load_id,
        extraction.known_at,
        {{ utc_day('extraction.window_start_at') }} - owing.shift_d as first_day,
        {{ utc_day('extraction.window_end_at') }} - owing.shift_d - 1 as last_day,
        -- a row that we refused is no answer about its day, unless it is of no day (off the grid)
        extraction.status = 'ok'
        or (extraction.status = 'partial' and extraction.quarantined_row_count = 0) as is_answered,
        extraction.error
    from extraction
    inner join owing
        on extraction.source = owing.source
        and extraction.table_name = owing.table_name
    where extraction.window_start_at is not null
),

newest_load as (
    select source, table_name, max_by(load_id, known_at) as load_id
    from asked
    group by source, table_name
),

-- what was asked for in the newest load is owed until today, the rest until it was last asked for
span as (
    select
        asked.source,
        asked.table_name,
        asked.entity_id,
        min(asked.first_day) as first_day,
        least(
            case
                when count(newest_load.load_id) > 0 then max(owing.last_due_day)
                else max(asked.last_day)
            end,
            max(owing.last_due_day)
        ) as last_day
    from asked
    inner join owing
        on asked.source = owing.source
        and asked.table_name = owing.table_name
    left join newest_load
        on asked.source = newest_load.source
        and asked.table_name = newest_load.table_name
        and asked.load_id = newest_load.load_id
    group by asked.source, asked.table_name, asked.entity_id
),

lifetime as (
    select * from span where first_day <= last_day
),

life as (
    select
        source,
        table_name,
        entity_id,
        min(day) as first_landed_day,
        max(day) as last_landed_day
    from landed
    group by source, table_name, entity_id
),

expected as (
    {{ day_spine('lifetime', ['source', 'table_name', 'entity_id'], 'first_day', 'last_day') }}
),

missing as (
    select
        expected.source,
        expected.table_name,
        expected.entity_id,
        expected.day,
        life.first_landed_day,
        life.last_landed_day,
        coalesce(market.is_trading, true) as is_trading
    from expected
    left join landed
        on expected.source = landed.source
        and expected.table_name = landed.table_name
        and expected.entity_id = landed.entity_id
        and expected.day = landed.day
    left join life
        on expected.source = life.source
        and expected.table_name = life.table_name
        and expected.entity_id = life.entity_id
    inner join owing
        on expected.source = owing.source
        and expected.table_name = owing.table_name
    left join market
        on expected.source = market.venue_id
        -- of candles of less than a day the series has its length in its name: BTC-USD 1h
        and split_part(expected.entity_id, ' ', 1) = market.symbol
    where landed.day is null
        -- 2000-01-03 was a Monday
        and not (
            owing.is_of_working_days
            and {{ days_between("date '2000-01-03'", 'expected.day') }} % 7 >= 5
        )
),

alive as (
    select *
    from missing
    where day >= first_landed_day and (day <= last_landed_day or is_trading)
),

-- how many series are without the day, of those that should have it
shared as (
    select
        alive.source,
        alive.table_name,
        alive.day,
        count(*) as missing_count
    from alive
    group by alive.source, alive.table_name, alive.day
),

population as (
    select
        shared.source,
        shared.table_name,
        shared.day,
        max(shared.missing_count) as missing_count,
        count(landed.entity_id) as landed_count
    from shared
    left join landed
        on shared.source = landed.source
        and shared.table_name = landed.table_name
        and shared.day = landed.day
    group by shared.source, shared.table_name, shared.day
),

answer as (
    select
        missing.source,
        missing.table_name,
        missing.entity_id,
        missing.day,
        coalesce(bool_or(asked.is_answered), false) as is_answered,
        max(case when asked.is_answered then asked.known_at end) as last_answered_at,
        max_by(asked.error, asked.known_at) as last_error
    from missing
    left join asked
        on missing.source = asked.source
        and missing.table_name = asked.table_name
        and missing.entity_id = asked.entity_id
        and missing.day >= asked.first_day
        and missing.day <= asked.last_day
    group by missing.source, missing.table_name, missing.entity_id, missing.day
),

explained as (
    select
        missing.source,
        missing.table_name,
        missing.entity_id,
        missing.day,
        case
            when not missing.is_trading
                and missing.day > coalesce(missing.last_landed_day, missing.day - 1) then 'delisted'
            when not answer.is_answered then 'own_failure'
            when missing.first_landed_day is null or missing.day < missing.first_landed_day
                then 'not_listed_yet'
            -- a day on which nobody has a rate is a holiday
            when owing.is_of_working_days then 'omitted_empty_bucket'
            when population.missing_count >= ops_config.outage_min_series
                and population.missing_count
                >= ops_config.outage_share_frac * (population.missing_count + population.landed_count)
                then 'source_outage'
            -- without a list that says so, a series is over when it has been silent for long
            when missing.day > missing.last_landed_day
                and {{ days_between('missing.last_landed_day', 'owing.last_due_day') }}
                > ops_config.dead_after_d then 'delisted'
            else 'omitted_empty_bucket'
        end as reason,
        case
            when not answer.is_answered then coalesce(answer.last_error, 'never asked for')
            when rollup.bars_count is not null
                then cast(rollup.bars_count as varchar) || ' of ' || cast(rollup.expected_count as varchar)
                || ' candles'
        end as detail,
        coalesce(missing.day >= owing.first_reachable_day, true) as is_reachable,
        -- what a source had not filled in by then it will not
        not answer.is_answered
        or {{ utc_day('answer.last_answered_at') }} <= missing.day + ops_config.outage_settles_d
            as is_open
    from missing
    inner join answer
        on missing.source = answer.source
        and missing.table_name = answer.table_name
        and missing.entity_id = answer.entity_id
        and missing.day = answer.day
    inner join owing
        on missing.source = owing.source
        and missing.table_name = owing.table_name
    left join population
        on missing.source = population.source
        and missing.table_name = population.table_name
        and missing.day = population.day
    left join rollup
        on missing.source = rollup.venue_id
        and missing.entity_id = rollup.series_id
        and missing.day = rollup.day
    cross join ops_config
    where not (owing.is_sparse and answer.is_answered)
),

final as (
    select
        source,
        table_name,
        entity_id,
        day,
        reason,
        detail,
        reason in ('own_failure', 'source_outage') and is_reachable and is_open as is_repairable
    from explained
)

select * from final
