-- the instant 00:00 is the end of the day before; of one side, as other venues count
with open_interest as (
    {{ latest_version(ref('hist_bybit__open_interest'), ['symbol', '"interval"', '"time"']) }}
),

final as (
    select
        symbol,
        {{ utc_day('"time"') }} - 1 as day,
        coalesce(single_open_interest, open_interest / 2) as open_interest_base,
        known_at,
        first_known_at
    from open_interest
    where "interval" = '1d' and "time" = {{ day_start(utc_day('"time"')) }}
)

select * from final
