with token_supply as (
    {{ latest_version(ref('hist_ethereum__token_supply'), ['token', 'block_time']) }}
),

final as (
    select
        token,
        block_time as block_at,
        block_number,
        symbol,
        decimals,
        -- without digits after the point nobody knows what the number means
        total_supply as total_supply_native,
        known_at,
        first_known_at
    from token_supply
)

select * from final
