-- one canonical bar per asset and day, with a row of NULLs for every missing day
with calendar as (
    select * from {{ ref('int_asset_calendar_daily') }}
),

venue_price as (
    select * from {{ ref('int_venue_price_daily') }}
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

-- the days on which an asset's units change; a migration to another asset changes none
unit_change as (
    select asset_id, effective_day as day, max(ratio) as ratio
    from {{ ref('int_token_event') }}
    where kind in ('redenomination', 'migration')
        and ratio > 0
        and ratio != 1
        and coalesce(successor_asset_id, asset_id) = asset_id
    group by asset_id, effective_day
),

accepted as (
    select
        *,
        coalesce(
            lag(day) over (partition by asset_id, venue_id order by day) = day - 1, false
        ) as was_accepted_yesterday
    from venue_price
    where is_accepted
),

open_of_venues as (
    {{ volume_weighted_median('accepted', 'open_usd', 'volume_usd', ['asset_id', 'day']) }}
),

high_of_venues as (
    {{ volume_weighted_median('accepted', 'high_usd', 'volume_usd', ['asset_id', 'day']) }}
),

low_of_venues as (
    {{ volume_weighted_median('accepted', 'low_usd', 'volume_usd', ['asset_id', 'day']) }}
),

summed as (
    select
        asset_id,
        day,
        max(canonical_close_usd) as close_usd,
        count(*) as n_venues,
        sum(case when was_accepted_yesterday then 1 else 0 end) as n_same_venues,
        1e4 * (max(close_usd) - min(close_usd)) / median(close_usd) as dispersion_bps,
        {{ exact_sum('volume_usd') }} as volume_usd,
        {{ exact_sum('vwap_usd * volume_base') }} as value_usd,
        {{ exact_sum('volume_base') }} as volume_base,
        sum(trade_count) as trade_count,
        -- the weakest that it rests on
        case
            when max(case when quote_basis = 'parity' then 1 else 0 end) = 1 then 'parity'
            when max(case when quote_basis = 'reference' then 1 else 0 end) = 1 then 'reference'
            else 'market'
        end as quote_basis,
        max(first_known_at) as first_known_at
    from accepted
    group by asset_id, day
),

-- what any single venue showed, believed or not
extreme as (
    select
        asset_id,
        day,
        max(high_usd) as high_any_usd,
        min(low_usd) as low_any_usd,
        sum(case when is_eligible and not is_accepted then 1 else 0 end) as n_rejected,
        -- what was traded was traded, whatever the last price was: a close that is no price says
        -- nothing against the volume
        {{ exact_sum(
            "case when is_accepted or exclusion_reason in ('outlier', 'outlier_hold') "
            ~ "then volume_usd end"
        ) }} as traded_volume_usd,
        max(case when is_disputed then 1 else 0 end) = 1 as is_disputed,
        max(case when is_unconfirmed then 1 else 0 end) = 1 as is_unconfirmed,
        max(prior_close_verdict) as prior_close_verdict
    from venue_price
    group by asset_id, day
),

dense as (
    select
        calendar.asset_id,
        calendar.day,
        calendar.first_day,
        calendar.last_day,
        summed.close_usd,
        open_of_venues.open_usd as open_of_venues_usd,
        high_of_venues.high_usd as high_of_venues_usd,
        low_of_venues.low_usd as low_of_venues_usd,
        extreme.high_any_usd,
        extreme.low_any_usd,
        case
            when summed.volume_base > 0 then summed.value_usd / summed.volume_base
        end as vwap_of_venues_usd,
        summed.volume_usd,
        case when summed.close_usd is not null then extreme.traded_volume_usd end as traded_volume_usd,
        cast(summed.trade_count as bigint) as trade_count,
        coalesce(summed.n_venues, 0) as n_venues,
        coalesce(extreme.n_rejected, 0) as n_rejected,
        summed.n_same_venues,
        summed.dispersion_bps,
        coalesce(extreme.is_disputed, false) as is_disputed,
        coalesce(extreme.is_unconfirmed, false) as is_unconfirmed,
        extreme.prior_close_verdict,
        unit_change.ratio as unit_ratio,
        coalesce(
            abs(ln(open_of_venues.open_usd / unit_change.ratio / summed.close_usd))
            < abs(ln(open_of_venues.open_usd / summed.close_usd)),
            false
        ) as is_mixed,
        summed.quote_basis,
        summed.first_known_at
    from calendar
    left join unit_change
        on calendar.asset_id = unit_change.asset_id
        and calendar.day = unit_change.day
    left join summed on calendar.asset_id = summed.asset_id and calendar.day = summed.day
    left join extreme on calendar.asset_id = extreme.asset_id and calendar.day = extreme.day
    left join open_of_venues
        on calendar.asset_id = open_of_venues.asset_id
        and calendar.day = open_of_venues.day
    left join high_of_venues
        on calendar.asset_id = high_of_venues.asset_id
        and calendar.day = high_of_venues.day
    left join low_of_venues
        on calendar.asset_id = low_of_venues.asset_id
        and calendar.day = low_of_venues.day
),

-- the calendar has no gaps, so the row before is the day before
preceded as (
    select
        *,
        lag(close_usd, 1) over by_day as close_1_usd,
        lag(close_usd, 2) over by_day as close_2_usd,
        lag(volume_usd, 1) over by_day as volume_1_usd,
        lag(n_venues, 1) over by_day as n_venues_1
    from dense
    window by_day as (partition by asset_id order by day)
),

opened as (
    select
        *,
        case
            when close_usd is null then null
            -- the close before is in old units; a venue that opens in them too is converted
            when is_mixed then open_of_venues_usd / unit_ratio
            when unit_ratio is not null then open_of_venues_usd
            -- a market that never closes opens where it closed
            when n_same_venues = n_venues and n_venues_1 = n_venues and close_1_usd is not null
                then close_1_usd
            else open_of_venues_usd
        end as open_usd,
        case when not is_mixed then vwap_of_venues_usd end as vwap_usd,
        coalesce(
            close_usd = close_1_usd
            and close_usd = close_2_usd
            and (volume_usd is null or volume_usd = volume_1_usd),
            false
        ) as is_stale
    from preceded
),

-- medians of highs and lows can miss the open, the close or the average by a hair. A bar that
-- holds prices in two units has no high, no low and no average.
clamped as (
    select
        *,
        case
            when high_of_venues_usd is not null and not is_mixed
                then greatest(high_of_venues_usd, open_usd, close_usd, vwap_usd)
        end as high_usd,
        case
            when low_of_venues_usd is not null and not is_mixed
                then least(low_of_venues_usd, open_usd, close_usd, vwap_usd)
        end as low_usd
    from opened
),

final as (
    select
        clamped.asset_id,
        clamped.day,
        clamped.first_day,
        clamped.last_day,
        clamped.open_usd,
        clamped.high_usd,
        clamped.low_usd,
        clamped.close_usd,
        clamped.vwap_usd,
        greatest(clamped.high_any_usd, clamped.high_usd) as high_any_usd,
        least(clamped.low_any_usd, clamped.low_usd) as low_any_usd,
        clamped.volume_usd,
        clamped.traded_volume_usd,
        clamped.trade_count,
        case when clamped.high_usd > clamped.high_of_venues_usd then 1 else 0 end
        + case when clamped.low_usd < clamped.low_of_venues_usd then 1 else 0 end as clamp_count,
        clamped.n_venues,
        clamped.n_rejected,
        clamped.dispersion_bps,
        clamped.is_stale,
        case when clamped.close_usd is not null then clamped.prior_close_verdict end
        as prior_close_verdict,
        case
            when clamped.close_usd is null then null
            -- the loser of a dispute was a reading, too
            when clamped.n_venues = 1 and not clamped.is_disputed then 'single_venue'
            else 'multi_venue'
        end as evidence,
        clamped.quote_basis,
        case
            when clamped.close_usd is null then 'missing'
            when clamped.is_unconfirmed then 'unconfirmed'
            when clamped.is_stale then 'stale'
            when clamped.is_disputed then 'disputed'
            when clamped.dispersion_bps > price_config.dispersion_fail_bps then 'disputed'
            when clamped.n_venues = 1 then 'single_venue'
            when clamped.n_venues = 2 then 'thin'
            else 'ok'
        end as price_quality,
        case
            when clamped.close_usd is null then null
            when clamped.first_known_at
                <= {{ day_start('clamped.day + 1 + price_config.captured_within_d') }}
                then 'captured'
            else 'assumed'
        end as pit_basis
    from clamped
    cross join price_config
)

select * from final
