with token as (
    {{ latest_version(ref('hist_defillama__protocol_token'), ['slug', 'token', 'label_time']) }}
),

dated as (
    {{ dated('token', 'label_time', 'defillama', 'protocol_tokens', series='slug') }}
),

final as (
    select
        slug,
        token,
        day,
        cast(amount as double) as amount_native,
        cast(value_usd as double) as value_usd,
        known_at,
        first_known_at
    from dated
)

select * from final
