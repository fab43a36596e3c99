with currency_rate as (
    {{ latest_version(ref('hist_gold__currency_rate'), ['currency', 'day_time']) }}
),

final as (
    select
        currency,
        {{ utc_day('day_time') }} as day,
        pln_per_unit,
        known_at,
        first_known_at
    from currency_rate
)

select * from final
