with transfer as (
    {{ latest_version(
        ref('hist_ethereum__transfer'), ['token', 'day_time', 'block_hash', 'log_index']
    ) }}
),

dated as (
    {{ dated('transfer', 'day_time', 'ethereum', 'transfers', series='token') }}
),

final as (
    select
        token,
        day,
        block_number,
        block_hash,
        log_index,
        -- an event of the zero address with itself moves nothing
        case
            when from_address = to_address then 0
            when from_address = '{{ zero_address() }}' then value
            when to_address = '{{ zero_address() }}' then -value
        end as net_mint_native,
        known_at,
        first_known_at
    from dated
)

select * from final
