with currency_rate as (
    {{ latest_version(ref('hist_gold__currency_rate'), ['currency', 'day_time']) }}
),

dated as (
    {{ dated('currency_rate', 'day_time', 'gold', 'currency_rates', series='currency') }}
),

final as (
    select
        currency,
        day,
        pln_per_unit,
        known_at,
        first_known_at
    from dated
)

select * from final
