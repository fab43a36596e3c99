-- what came into a protocol at today's prices, and what prices did to what was there. Token by
-- token the two are the change of its value, exactly.
with token as (
    {{ by_protocol(ref('stg_defillama__protocol_token'), ['token', 'day']) }}
),

-- a token that is gone today left yesterday's value behind
token_day as (
    select protocol_id, token, day from token
    union
    select protocol_id, token, day + 1 as day from token
),

compared as (
    select
        token_day.protocol_id,
        token_day.token,
        token_day.day,
        today.token is not null as is_held,
        yesterday.token is not null as was_held,
        today.amount_native,
        today.value_usd,
        yesterday.amount_native as amount_1d_ago_native,
        yesterday.value_usd as value_1d_ago_usd,
        today.first_known_at
    from token_day
    left join token as today
        on token_day.protocol_id = today.protocol_id
        and token_day.token = today.token
        and token_day.day = today.day
    left join token as yesterday
        on token_day.protocol_id = yesterday.protocol_id
        and token_day.token = yesterday.token
        and token_day.day - 1 = yesterday.day
),

valued as (
    select
        *,
        coalesce(is_held and (amount_native is null or value_usd is null), false)
        or coalesce(was_held and (amount_1d_ago_native is null or value_1d_ago_usd is null), false)
        as is_incomplete,
        case when is_held then value_usd else 0 end
        - case when was_held then value_1d_ago_usd else 0 end as value_change_usd,
        -- what is new, or gone, has no price of its own to compare with: it came, or left
        case
            when is_held and was_held and amount_native > 0 and value_usd > 0
                then amount_1d_ago_native * (value_usd / amount_native) - value_1d_ago_usd
            else 0
        end as token_price_effect_usd
    from compared
),

final as (
    select
        protocol_id,
        day,
        {{ exact_sum('case when is_held then value_usd end') }} as token_value_usd,
        {{ exact_sum('case when was_held then value_1d_ago_usd end') }} as token_value_1d_ago_usd,
        {{ inexact(
            '(sum(' ~ exact('value_change_usd') ~ ') - sum(' ~ exact('token_price_effect_usd') ~ '))'
        ) }} as usd_inflow_usd,
        {{ exact_sum('token_price_effect_usd') }} as price_effect_usd,
        count(case when is_incomplete then 1 end) as incomplete_count,
        count(case when is_held then 1 end) as held_count,
        count(case when was_held then 1 end) as was_held_count
    from valued
    group by protocol_id, day
)

select * from final
