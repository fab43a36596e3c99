{{ config(materialized='replaced_view') }}

-- the newest day of everything one screens by. Every column is what its own mart
-- says of that day: nothing here is known later.
with price as (
    select * from {{ ref('price_daily') }}
    qualify day = max(day) over ()
),

asset as (
    select * from {{ ref('dim_asset') }}
),

membership as (
    select * from {{ ref('dim_universe_membership') }}
    where universe_id = 'core'
),

risk as (
    select * from {{ ref('returns_risk_daily') }}
),

indicator as (
    select * from {{ ref('technical_daily') }}
),

trader as (
    select * from {{ ref('trader_grade_daily') }}
),

investor as (
    select * from {{ ref('investor_grade_daily') }}
),

signal as (
    select * from {{ ref('signal_daily') }}
),

plan as (
    select * from {{ ref('risk_plan_daily') }}
),

token_event as (
    select * from {{ ref('dim_token_event') }}
),

narrative as (
    select * from {{ ref('narrative_daily') }}
),

narrative_membership as (
    select * from {{ ref('dim_narrative_membership') }}
),

peer as (
    select * from {{ ref('peer_percentile_daily') }}
    where metric = 'pf_circ_x'
),

-- what had been announced and is still to come
next_event as (
    select
        token_event.asset_id,
        min({{ utc_day('token_event.effective_at') }}) as next_event_day,
        min_by(token_event.event_kind, token_event.effective_at) as next_event_kind
    from token_event
    inner join price
        on token_event.asset_id = price.asset_id
        and {{ utc_day('token_event.effective_at') }} > price.day
    where {{ utc_day('token_event.announced_at') }} <= price.day
    group by token_event.asset_id
),

-- a narrative may have a member and no basket
belonging as (
    select
        price.asset_id,
        narrative_membership.narrative_id,
        narrative.quadrant,
        row_number() over (
            partition by price.asset_id
            order by
                narrative.narrative_rank nulls last,
                narrative.narrative_id is null,
                narrative_membership.narrative_id
        ) as place,
        narrative.narrative_id is not null as has_basket
    from price
    inner join narrative_membership
        on price.asset_id = narrative_membership.asset_id
        and price.day >= narrative_membership.valid_from
        and price.day < coalesce(narrative_membership.valid_to, date '9999-12-31')
    left join narrative
        on narrative_membership.narrative_id = narrative.narrative_id
        and price.day = narrative.day
),

reported as (
    select
        asset_id,
        {{ joined_text('narrative_id', ',', 'place') }} as narrative_ids,
        max(case when place = 1 and has_basket then narrative_id end) as narrative_id,
        max(case when place = 1 then quadrant end) as quadrant
    from belonging
    group by asset_id
),

joined as (
    select
        price.asset_id,
        asset.symbol,
        asset.name,
        membership.asset_class,
        asset.sector,
        price.day,
        coalesce(membership.is_member, false) as is_in_universe,
        price.close_usd,
        price.price_quality,
        price.volume_usd,
        membership.volume_median_30d_usd,
        plan.mcap_usd,
        plan.is_moonshot,
        risk.ret_1d,
        risk.ret_7d,
        risk.ret_14d,
        case
            when price.asset_id = 'bitcoin' then risk.ret_14d - risk.ret_14d
            else risk.ret_14d - bitcoin.ret_14d
        end as rel_ret_btc_14d,
        risk.ret_30d,
        risk.vol_30d_ann,
        risk.drawdown_frac,
        indicator.rsi_14,
        indicator.volume_z_30d,
        trader.trader_grade,
        trader.grade_rank,
        trader.grade_change_1d,
        trader.grade_change_7d,
        trader.momentum_label,
        investor.investor_grade,
        investor.divergence,
        signal.signal,
        signal.held_d,
        signal.effective_day,
        plan.signal_event_id,
        plan.stop_price,
        plan.take_profit_1,
        plan.take_profit_2,
        plan.max_position_frac,
        plan.size_by_risk_frac,
        plan.liquidity_cap_usd,
        reported.narrative_id,
        reported.narrative_ids,
        reported.quadrant,
        peer.sector_pctile as pf_pctile_in_sector,
        next_event.next_event_day,
        next_event.next_event_kind,
        price.as_of_ts,
        {{ model_version() }} as model_version
    from price
    inner join asset on price.asset_id = asset.asset_id
    left join risk
        on price.asset_id = risk.asset_id
        and price.day = risk.day
    left join risk as bitcoin
        on bitcoin.asset_id = 'bitcoin'
        and price.day = bitcoin.day
    left join membership
        on price.asset_id = membership.asset_id
        and price.day = membership.day
    left join indicator
        on price.asset_id = indicator.asset_id
        and price.day = indicator.day
    left join trader
        on price.asset_id = trader.asset_id
        and price.day = trader.day
    left join investor
        on price.asset_id = investor.asset_id
        and price.day = investor.day
    left join signal
        on price.asset_id = signal.asset_id
        and price.day = signal.day
    left join plan
        on price.asset_id = plan.asset_id
        and price.day = plan.day
    left join reported on price.asset_id = reported.asset_id
    left join peer
        on price.asset_id = peer.asset_id
        and price.day = peer.day
    left join next_event on price.asset_id = next_event.asset_id
),

final as (
    select
        *,
        case
            when is_in_universe and ret_14d is not null
                then row_number() over (
                    partition by is_in_universe and ret_14d is not null
                    order by ret_14d desc, asset_id
                )
        end as rank_14d
    from joined
)

select * from final
