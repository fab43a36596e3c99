with price as (
    {{ latest_version(ref('hist_gold__price'), ['metal', 'day_time']) }}
),

final as (
    select
        metal,
        -- when it was published: the price is London's of the working day before (meta_source)
        {{ utc_day('day_time') }} as published_day,
        pln_per_gram,
        known_at,
        first_known_at
    from price
)

select * from final
