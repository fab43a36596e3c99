-- the instant 00:00 is the end of the day before
with open_interest as (
    {{ latest_version(ref('hist_binance_futures__open_interest'), ['symbol', 'period', '"time"']) }}
),

final as (
    select
        symbol,
        {{ utc_day('"time"') }} - 1 as day,
        sum_open_interest as open_interest_base,
        sum_open_interest_value as open_interest_quote,
        known_at,
        first_known_at
    from open_interest
    where period = '1d' and "time" = {{ day_start(utc_day('"time"')) }}
)

select * from final
