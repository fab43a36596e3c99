with token as (
    {{ latest_version(ref('hist_defillama__protocol_token'), ['slug', 'token', 'label_time']) }}
),

final as (
    select
        slug,
        token,
        -- a midnight's label is the end of the day before
        {{ utc_day('label_time') }} - 1 as day,
        cast(amount as double) as amount_native,
        cast(value_usd as double) as value_usd,
        known_at,
        first_known_at
    from token
)

select * from final
