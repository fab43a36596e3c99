{% set so_far = 'partition by token order by day rows between unbounded preceding and current row' %}

-- supply of token contracts at the end of the day: as a node said it in the hours after, and from
-- there on by mints and burns until a node is heard again. Never backwards: what was minted before
-- the first word of a node is history that this warehouse did not see.
-- One row per token and day from the first observation on.
with token_supply as (
    select * from {{ ref('stg_ethereum__token_supply') }}
    where total_supply_native is not null
),

transfer as (
    select * from {{ ref('stg_ethereum__transfer') }}
),

extraction as (
    select * from {{ ref('stg_lake__extraction') }}
    where source = 'ethereum' and table_name = 'transfers' and status = 'ok'
),

-- the first block that was heard of after the day's end
observed as (
    select
        token,
        {{ utc_day('block_at') }} - 1 as day,
        cast(total_supply_native as double) as supply_native,
        block_number,
        first_known_at
    from token_supply
    qualify row_number() over (
        partition by token, {{ utc_day('block_at') }}
        order by block_number
    ) = 1
),

minted as (
    select
        token,
        day,
        {{ exact_sum('cast(net_mint_native as double)') }} as net_mint_native,
        max(first_known_at) as first_known_at
    from transfer
    group by token, day
),

-- mints of the following day that the observed supply contains already
contained as (
    select
        observed.token,
        observed.day,
        {{ exact_sum('cast(transfer.net_mint_native as double)') }} as net_mint_native
    from observed
    inner join transfer
        on observed.token = transfer.token
        and observed.day + 1 = transfer.day
        and transfer.block_number <= observed.block_number
    group by observed.token, observed.day
),

-- a day without mints is a day without mints only where somebody asked
asked as (
    select
        entity_id as token,
        {{ utc_day('window_start_at') }} as first_day,
        {{ utc_day('window_end_at') }} - 1 as last_day
    from extraction
),

asked_day as (
    select distinct token, day
    from ({{ day_spine('asked', ['token', 'first_day', 'last_day'], 'first_day', 'last_day') }})
),

lifetime as (
    select
        observed.token,
        min(observed.day) as first_day,
        greatest(max(observed.day), coalesce(max(asked.last_day), max(observed.day))) as last_day
    from observed
    left join asked on observed.token = asked.token
    group by observed.token
),

calendar as (
    {{ day_spine('lifetime', ['token', 'first_day', 'last_day'], 'first_day', 'last_day') }}
),

-- supply of day d = S(a) - contained(a) + mints of the days after a, up to d; a is the newest
-- observed day up to d. Both sums are kept as running totals.
dense as (
    select
        calendar.token,
        calendar.day,
        observed.supply_native as observed_native,
        contained.net_mint_native as contained_native,
        minted.net_mint_native,
        case when asked_day.token is not null then 1 else 0 end as asked_count,
        observed.first_known_at as observed_at,
        minted.first_known_at as minted_at
    from calendar
    left join observed
        on calendar.token = observed.token
        and calendar.day = observed.day
    left join contained
        on calendar.token = contained.token
        and calendar.day = contained.day
    left join minted
        on calendar.token = minted.token
        and calendar.day = minted.day
    left join asked_day
        on calendar.token = asked_day.token
        and calendar.day = asked_day.day
),

running as (
    select
        *,
        {{ inexact('sum(' ~ exact('net_mint_native') ~ ') over (' ~ so_far ~ ')') }} as mint_total_native,
        sum(asked_count) over ({{ so_far }}) as asked_total,
        case when observed_native is not null then day end as own_day
    from dense
),

anchor as (
    select
        token,
        day,
        observed_native as anchor_native,
        contained_native as anchor_contained_native,
        mint_total_native as anchor_mint_total_native,
        asked_total as anchor_asked_total
    from running
    where observed_native is not null
),

placed as (
    select *, {{ last_known('own_day', so_far) }} as anchor_day
    from running
),

final as (
    select
        placed.token,
        placed.day,
        case
            when placed.day = placed.anchor_day then anchor.anchor_native
            else
                anchor.anchor_native
                -- a sum over no event is NULL, and nothing happened: the days were asked for
                - coalesce(anchor.anchor_contained_native, 0)
                + coalesce(placed.mint_total_native, 0)
                - coalesce(anchor.anchor_mint_total_native, 0)
        end as supply_native,
        case when placed.day = placed.anchor_day then 'observed' else 'rolled' end as supply_basis,
        greatest(coalesce(placed.observed_at, placed.minted_at), placed.minted_at) as first_known_at
    from placed
    inner join anchor
        on placed.token = anchor.token
        and placed.anchor_day = anchor.day
    -- a day that nobody asked about may hide a mint
    where placed.asked_total - anchor.anchor_asked_total
        = {{ days_between('placed.anchor_day', 'placed.day') }}
)

select * from final
