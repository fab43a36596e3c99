{#-
    From markets' converted candles to venues that count, and to one price: C.1.2 to C.1.5.

    The three stages of quote conversion (C.1.1) differ in what they convert, not in how they judge;
    each calls this after its own CTE of candidates. Emits CTEs, the last is `final`; needs
    `with recursive`.

    Argument: the name of a CTE with the columns asset_id, venue_id, symbol, day, open_usd,
    high_usd, low_usd, close_usd, vwap_usd, volume_base, volume_usd, trade_count, first_known_at,
    unusable_reason (NULL: the candle can be used).

    Grain of `final`: one row per asset, venue and day; what is true of the asset's day
    (canonical_close_usd, is_disputed, is_jump) is repeated in each of its venues' rows.
-#}
{% macro judged_venues(candidate) %}
price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

venue_exclusion as (
    select * from {{ ref('cfg_venue_exclusion') }}
    where known_at is null or {{ is_known() }}
),

venue_kind as (
    select venue_id, venue_kind from {{ ref('int_venue_registry') }}
),

token_event as (
    select * from {{ ref('int_token_event') }}
),

-- a venue may list an asset against several quotes: the market in which half of the venue's volume
-- is reached, going up by price, stands for the venue with its whole bar
ranked_market as (
    select
        *,
        sum({{ exact('volume_usd') }}) over (
            partition by asset_id, venue_id, day
            order by close_usd
        ) as exact_volume_up_to,
        sum({{ exact('volume_usd') }}) over venue_day as exact_volume,
        sum({{ exact('volume_base') }}) over venue_day as exact_volume_base,
        cast(sum(trade_count) over venue_day as bigint) as venue_trade_count,
        max(first_known_at) over venue_day as venue_first_known_at,
        count(*) over venue_day as market_count
    from {{ candidate }}
    where unusable_reason is null
    window venue_day as (partition by asset_id, venue_id, day)
),

venue_bar as (
    select
        asset_id,
        venue_id,
        day,
        symbol,
        market_count,
        open_usd,
        high_usd,
        low_usd,
        close_usd,
        vwap_usd,
        {{ inexact('exact_volume_base') }} as volume_base,
        {{ inexact('exact_volume') }} as volume_usd,
        venue_trade_count as trade_count,
        venue_first_known_at as first_known_at
    from ranked_market
    where coalesce(exact_volume_up_to >= exact_volume - exact_volume_up_to, exact_volume is null)
    qualify row_number() over (
        partition by asset_id, venue_id, day
        order by close_usd, symbol
    ) = 1
),

unusable_venue as (
    select asset_id, venue_id, day, min(unusable_reason) as exclusion_reason
    from {{ candidate }}
    group by asset_id, venue_id, day
    having count(*) = count(unusable_reason)
),

-- C.1.2: the venue's part of the asset's volume in the 90 days up to this one
asset_volume as (
    select asset_id, day, {{ exact_sum('volume_usd') }} as volume_usd
    from venue_bar
    group by asset_id, day
),

asset_volume_90d as (
    select
        asset_id,
        day,
        sum(volume_usd) over ({{ days_back(89, 0, 'asset_id') }}) as volume_90d_usd
    from asset_volume
),

venue_volume_90d as (
    select
        *,
        sum(volume_usd) over past_90d as volume_90d_usd,
        count(*) over past_90d as obs_90d_count
    from venue_bar
    window past_90d as ({{ days_back(89, 0, 'asset_id, venue_id') }})
),

shared as (
    select
        venue_volume_90d.*,
        case
            when asset_volume_90d.volume_90d_usd > 0
                then venue_volume_90d.volume_90d_usd / asset_volume_90d.volume_90d_usd
        end as volume_share_90d_frac,
        coalesce(venue_kind.venue_kind, 'cex') as venue_kind
    from venue_volume_90d
    inner join asset_volume_90d
        on venue_volume_90d.asset_id = asset_volume_90d.asset_id
        and venue_volume_90d.day = asset_volume_90d.day
    left join venue_kind on venue_volume_90d.venue_id = venue_kind.venue_id
),

excluded_day as (
    select distinct shared.asset_id, shared.venue_id, shared.day
    from shared
    inner join venue_exclusion
        on shared.venue_id = venue_exclusion.venue_id
        and (venue_exclusion.asset_id is null or shared.asset_id = venue_exclusion.asset_id)
        and shared.day >= venue_exclusion.valid_from
        and shared.day < coalesce(venue_exclusion.valid_to, date '9999-12-31')
),

assessed as (
    select
        shared.*,
        shared.obs_90d_count < price_config.new_market_obs as is_new_market,
        case
            when excluded_day.venue_id is not null then 'excluded_venue'
            when coalesce(shared.volume_usd, 0) < price_config.min_volume_usd then 'low_volume'
            when coalesce(shared.volume_share_90d_frac, 0) < case shared.venue_kind
                when 'dex' then price_config.min_share_dex_frac
                else price_config.min_share_cex_frac
            end then 'low_share'
        end as ineligible_reason
    from shared
    cross join price_config
    left join excluded_day
        on shared.asset_id = excluded_day.asset_id
        and shared.venue_id = excluded_day.venue_id
        and shared.day = excluded_day.day
),

eligible as (
    select asset_id, venue_id, day, close_usd, volume_usd
    from assessed
    where ineligible_reason is null
),

-- C.1.3: outliers against the median of the eligible venues
centre as (
    select asset_id, day, median(close_usd) as median_usd, count(*) as eligible_count
    from eligible
    group by asset_id, day
),

deviation as (
    select
        eligible.*,
        centre.median_usd,
        centre.eligible_count >= price_config.mad_min_venues as is_judged,
        abs(eligible.close_usd - centre.median_usd) as deviation_usd
    from eligible
    inner join centre
        on eligible.asset_id = centre.asset_id
        and eligible.day = centre.day
    cross join price_config
),

spread as (
    select asset_id, day, median(deviation_usd) as mad_usd
    from deviation
    group by asset_id, day
),

measured as (
    select
        deviation.*,
        greatest(
            price_config.mad_multiple * price_config.mad_scale * spread.mad_usd,
            price_config.mad_floor_frac * deviation.median_usd
        ) as threshold_usd,
        max(case when deviation.is_judged then deviation.day end) over (
            partition by deviation.asset_id, deviation.venue_id
            order by deviation.day
            rows between unbounded preceding and 1 preceding
        ) as last_judged_day
    from deviation
    inner join spread
        on deviation.asset_id = spread.asset_id
        and deviation.day = spread.day
    cross join price_config
),

-- A venue beyond the threshold is out, and comes back on a day within half of it; in between its
-- state is that of the last clear day. The median is taken over all eligible venues, out or in, so
-- the state is the newest clear verdict and needs no recursion. A venue that was not judged for
-- some days starts anew.
verdict as (
    select
        measured.*,
        case
            when not measured.is_judged then null
            when measured.deviation_usd > measured.threshold_usd then 1
            when measured.deviation_usd
                < price_config.readmit_threshold_frac * measured.threshold_usd then 0
            when coalesce(
                {{ days_between('measured.last_judged_day', 'measured.day') }}
                > price_config.hold_lapse_d,
                true
            ) then 0
        end as clear_verdict,
        measured.is_judged or coalesce(
            {{ days_between('measured.last_judged_day', 'measured.day') }}
            <= price_config.hold_lapse_d,
            false
        ) as is_bound
    from measured
    cross join price_config
),

held as (
    select
        asset_id,
        venue_id,
        day,
        close_usd,
        volume_usd,
        case
            when clear_verdict = 1 then 'outlier'
            when is_bound
                and {{ last_known(
                    'clear_verdict',
                    'partition by asset_id, venue_id order by day'
                    ~ ' rows between unbounded preceding and current row'
                ) }} = 1
                then 'outlier_hold'
        end as rejection_reason
    from verdict
),

remaining as (
    select * from held
    where rejection_reason is null
),

tally as (
    select
        remaining.asset_id,
        remaining.day,
        count(*) as remaining_count,
        min(remaining.close_usd) as min_close_usd,
        max(remaining.close_usd) as max_close_usd,
        count(*) = 2
        and max(remaining.close_usd)
        > (1 + max(price_config.dispute_frac)) * min(remaining.close_usd) as is_disputed
    from remaining
    cross join price_config
    group by remaining.asset_id, remaining.day
),

agreed as (
    select remaining.asset_id, remaining.day, remaining.close_usd, remaining.volume_usd
    from remaining
    inner join tally
        on remaining.asset_id = tally.asset_id
        and remaining.day = tally.day
    where not tally.is_disputed
),

agreed_close as (
    {{ volume_weighted_median('agreed', 'close_usd', 'volume_usd', ['asset_id', 'day']) }}
),

disputed_day as (
    select asset_id, day, min_close_usd, max_close_usd
    from tally
    where is_disputed
),

-- two venues that disagree: the one nearer to the day before, which may itself have been disputed
settled_close as (
    select
        disputed_day.asset_id,
        disputed_day.day,
        case
            when abs(disputed_day.min_close_usd - agreed_close.close_usd)
                <= abs(disputed_day.max_close_usd - agreed_close.close_usd)
                then disputed_day.min_close_usd
            else disputed_day.max_close_usd
        end as close_usd
    from disputed_day
    inner join agreed_close
        on disputed_day.asset_id = agreed_close.asset_id
        and disputed_day.day = agreed_close.day + 1

    union all

    select
        disputed_day.asset_id,
        disputed_day.day,
        case
            when abs(disputed_day.min_close_usd - settled_close.close_usd)
                <= abs(disputed_day.max_close_usd - settled_close.close_usd)
                then disputed_day.min_close_usd
            else disputed_day.max_close_usd
        end as close_usd
    from disputed_day
    inner join settled_close
        on disputed_day.asset_id = settled_close.asset_id
        and disputed_day.day = settled_close.day + 1
),

close_of_day as (
    select asset_id, day, close_usd from agreed_close
    union all
    select asset_id, day, close_usd from settled_close
),

preceded as (
    select
        close_of_day.*,
        lag(close_of_day.close_usd, 1) over by_day as close_1_usd,
        lag(close_of_day.day, 1) over by_day as day_1,
        lag(close_of_day.close_usd, 2) over by_day as close_2_usd,
        lag(close_of_day.day, 2) over by_day as day_2,
        case
            when tally.remaining_count = 1
                then least(ln(price_config.jump_single_venue_x), price_config.jump_log_return)
            when tally.remaining_count < price_config.jump_min_venues
                then price_config.jump_log_return
        end as believed_log_return,
        price_config.jump_look_back_d
    from close_of_day
    inner join tally
        on close_of_day.asset_id = tally.asset_id
        and close_of_day.day = tally.day
    cross join price_config
    window by_day as (partition by close_of_day.asset_id order by close_of_day.day)
),

explained as (
    select distinct preceded.asset_id, preceded.day
    from preceded
    inner join token_event
        on preceded.asset_id = token_event.asset_id
        and token_event.effective_day <= preceded.day
        and token_event.effective_day > preceded.day_1
),

-- C.1.5, E-05: further from the day before than so few venues are believed
compared as (
    select
        preceded.*,
        coalesce(
            abs(ln(preceded.close_usd / preceded.close_1_usd)) > preceded.believed_log_return
            and {{ days_between('preceded.day_1', 'preceded.day') }} <= preceded.jump_look_back_d,
            false
        ) as is_far,
        coalesce(
            abs(ln(preceded.close_usd / preceded.close_2_usd)) <= preceded.believed_log_return
            and {{ days_between('preceded.day_2', 'preceded.day') }} <= preceded.jump_look_back_d,
            false
        ) as is_near_2
    from preceded
),

remembered as (
    select
        *,
        coalesce(lag(is_far, 1) over one_by_one, false) as was_far_1,
        coalesce(lag(is_far, 2) over one_by_one, false) as was_far_2
    from compared
    window one_by_one as (partition by asset_id order by day)
),

-- an unexplained jump is not believed on its first day; a second day at the new level confirms it,
-- a return to the level before shows that it was an error
gated as (
    select
        remembered.asset_id,
        remembered.day,
        remembered.close_usd,
        explained.asset_id is null
        and remembered.is_far
        and not (remembered.was_far_1 and remembered.is_near_2 and not remembered.was_far_2) as is_jump
    from remembered
    left join explained
        on remembered.asset_id = explained.asset_id
        and remembered.day = explained.day
),

assembled as (
    select
        assessed.*,
        tally.is_disputed,
        gated.is_jump,
        gated.close_usd as candidate_close_usd,
        coalesce(
            assessed.ineligible_reason,
            held.rejection_reason,
            case
                when gated.is_jump then 'jump'
                when tally.is_disputed and gated.close_usd is distinct from assessed.close_usd
                    then 'disputed'
            end
        ) as exclusion_reason
    from assessed
    left join held
        on assessed.asset_id = held.asset_id
        and assessed.venue_id = held.venue_id
        and assessed.day = held.day
    left join tally
        on assessed.asset_id = tally.asset_id
        and assessed.day = tally.day
    left join gated
        on assessed.asset_id = gated.asset_id
        and assessed.day = gated.day
),

final as (
    select
        asset_id,
        venue_id,
        day,
        symbol,
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
        ineligible_reason is null as is_eligible,
        exclusion_reason is null as is_accepted,
        exclusion_reason,
        case when not is_jump then candidate_close_usd end as canonical_close_usd,
        coalesce(is_disputed, false) as is_disputed,
        coalesce(is_jump, false) as is_jump,
        first_known_at
    from assembled

    union all

    select
        asset_id,
        venue_id,
        day,
        cast(null as varchar) as symbol,
        0 as market_count,
        cast(null as double) as open_usd,
        cast(null as double) as high_usd,
        cast(null as double) as low_usd,
        cast(null as double) as close_usd,
        cast(null as double) as vwap_usd,
        cast(null as double) as volume_base,
        cast(null as double) as volume_usd,
        cast(null as bigint) as trade_count,
        cast(null as double) as volume_share_90d_frac,
        cast(null as boolean) as is_new_market,
        false as is_eligible,
        false as is_accepted,
        exclusion_reason,
        cast(null as double) as canonical_close_usd,
        false as is_disputed,
        false as is_jump,
        cast(null as timestamptz) as first_known_at
    from unusable_venue
)
{% endmacro %}
