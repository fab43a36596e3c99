with price as (
    {{ latest_version(ref('hist_gold__price'), ['metal', 'day_time']) }}
),

dated as (
    {{ dated('price', 'day_time', 'gold', 'prices', series='metal') }}
),

final as (
    select
        metal,
        -- when it was published: the price is London's of the working day before (meta_source_convention)
        day as published_day,
        pln_per_gram,
        known_at,
        first_known_at
    from dated
)

select * from final
