-- the judged venues of all stages; a day that a later stage had to price is reported by that stage
with stage1 as (
    select * from {{ ref('int_venue_price_stage1_daily') }}
),

stage2 as (
    select * from {{ ref('int_venue_price_stage2_daily') }}
),

stage3 as (
    select * from {{ ref('int_venue_price_stage3_daily') }}
),

early as (
    select *, 1 as stage from stage1
    union all
    select *, 2 as stage from stage2
),

late_day as (
    select distinct asset_id, day from stage3
),

judged as (
    select early.*
    from early
    left join late_day
        on early.asset_id = late_day.asset_id
        and early.day = late_day.day
    where late_day.asset_id is null

    union all

    select *, 3 as stage from stage3
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

counted as (
    select
        judged.*,
        sum(case when judged.is_accepted then 1 else 0 end) over asset_day
        >= price_config.min_venues as is_enough
    from judged
    cross join price_config
    window asset_day as (partition by judged.asset_id, judged.day)
),

final as (
    select
        asset_id,
        venue_id,
        day,
        stage,
        symbol,
        is_implied,
        quote_basis,
        market_count,
        open_usd,
        high_usd,
        low_usd,
        close_usd,
        vwap_usd,
        volume_base,
        volume_usd,
        trade_count,
        volume_share_90d_frac,
        is_new_market,
        is_eligible,
        is_accepted and is_enough as is_accepted,
        case
            when is_accepted and not is_enough then 'too_few_venues' else exclusion_reason
        end as exclusion_reason,
        case when is_enough then canonical_close_usd end as canonical_close_usd,
        is_disputed,
        is_unconfirmed,
        prior_close_verdict,
        first_known_at
    from counted
)

select * from final
