-- days added up from shorter candles, and how much of each day is there; a venue's own day is not
-- looked at here
with bar as (
    select * from {{ ref('stg_spot__candle_intraday') }}
),

added_up as (
    select
        venue_id,
        symbol,
        series_id,
        length_s,
        day,
        min_by(open_quote, open_at) as open_quote,
        max(high_quote) as high_quote,
        min(low_quote) as low_quote,
        max_by(close_quote, open_at) as close_quote,
        sum(volume_base) as volume_base,
        -- a sum of which a part is not known is not known
        case when count(volume_quote) = count(*) then sum(volume_quote) end as volume_quote,
        case when count(trade_count) = count(*) then sum(trade_count) end as trade_count,
        {{ exact_sum('cast(vwap_quote as double) * cast(volume_base as double)') }} as paid_quote,
        count(vwap_quote) as priced_count,
        count(*) as bars_count,
        max(known_at) as known_at,
        max(first_known_at) as first_known_at
    from bar
    group by venue_id, symbol, series_id, length_s, day
),

final as (
    select
        venue_id,
        symbol,
        series_id,
        length_s,
        day,
        cast(open_quote as double) as open_quote,
        cast(high_quote as double) as high_quote,
        cast(low_quote as double) as low_quote,
        cast(close_quote as double) as close_quote,
        case
            when priced_count > 0 and volume_base > 0 then paid_quote / cast(volume_base as double)
        end as vwap_quote,
        cast(volume_base as double) as volume_base,
        cast(volume_quote as double) as volume_quote,
        cast(trade_count as bigint) as trade_count,
        bars_count,
        cast(86400 / length_s as bigint) as expected_count,
        bars_count * length_s / 86400.0 as completeness_frac,
        bars_count * length_s >= 86400 as is_complete,
        known_at,
        first_known_at
    from added_up
)

select * from final
