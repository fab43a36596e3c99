{#-
    From markets' converted candles to venues that count, and to one price.

    The three stages of quote conversion differ in what they convert, not in how they judge; each
    calls this after its own CTE of candidates. Emits CTEs, the last is `final`; needs
    `with recursive`.

    Argument: the name of a CTE with the columns asset_id, venue_id, symbol, day, is_implied (the
    candle is another asset's, and its volume too), quote_basis (what the quote's price rests on), open_usd, high_usd, low_usd, close_usd,
    vwap_usd, volume_base, volume_usd, trade_count, first_known_at, unusable_reason (NULL: the
    candle can be used).

    Grain of `final`: one row per asset, venue and day; what is true of the asset's day
    (canonical_close_usd, is_disputed, is_unconfirmed, prior_close_verdict) is repeated in each of
    its venues' rows. No row depends on a later day.
-#}
{% macro judged_venues(candidate) %}
price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

venue_exclusion as (
    select * from {{ ref('cfg_venue_exclusion') }}
    where {{ is_curated_known() }}
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
            partition by asset_id, venue_id, day, is_implied
            order by close_usd
        ) as exact_volume_up_to,
        sum({{ exact('volume_usd') }}) over kind_day as exact_kind_volume,
        sum({{ exact('volume_usd') }}) over venue_day as exact_volume,
        sum({{ exact('volume_base') }}) over venue_day as exact_volume_base,
        cast(sum(trade_count) over venue_day as bigint) as venue_trade_count,
        max(first_known_at) over venue_day as venue_first_known_at,
        count(*) over venue_day as market_count
    from {{ candidate }}
    where unusable_reason is null
    window
        venue_day as (partition by asset_id, venue_id, day),
        kind_day as (partition by asset_id, venue_id, day, is_implied)
),

middle_market as (
    select
        *,
        {{ inexact('exact_kind_volume') }} as kind_volume_usd
    from ranked_market
    where coalesce(
        exact_volume_up_to >= exact_kind_volume - exact_volume_up_to, exact_kind_volume is null
    )
),

-- what a venue says itself goes before what its other markets imply, if it trades at all
venue_bar as (
    select
        middle_market.asset_id,
        middle_market.venue_id,
        middle_market.day,
        middle_market.symbol,
        middle_market.is_implied,
        middle_market.quote_basis,
        middle_market.market_count,
        middle_market.open_usd,
        middle_market.high_usd,
        middle_market.low_usd,
        middle_market.close_usd,
        middle_market.vwap_usd,
        {{ inexact('middle_market.exact_volume_base') }} as volume_base,
        {{ inexact('middle_market.exact_volume') }} as volume_usd,
        middle_market.kind_volume_usd,
        middle_market.venue_trade_count as trade_count,
        middle_market.venue_first_known_at as first_known_at
    from middle_market
    cross join price_config
    qualify row_number() over (
        partition by middle_market.asset_id, middle_market.venue_id, middle_market.day
        order by
            case
                when middle_market.is_implied then 1
                when middle_market.kind_volume_usd >= price_config.min_volume_usd then 0
                else 2
            end,
            middle_market.close_usd,
            middle_market.symbol
    ) = 1
),

unusable_venue as (
    select asset_id, venue_id, day, min(unusable_reason) as exclusion_reason
    from {{ candidate }}
    group by asset_id, venue_id, day
    having count(*) = count(unusable_reason)
),

-- the venue's part of the asset's volume in the 90 days up to this one, among its likes: what was
-- traded of another asset says nothing about this one's markets
asset_volume as (
    select asset_id, is_implied, day, {{ exact_sum('kind_volume_usd') }} as volume_usd
    from venue_bar
    group by asset_id, is_implied, day
),

asset_volume_90d as (
    select
        asset_id,
        is_implied,
        day,
        sum(volume_usd) over ({{ days_back(89, 0, 'asset_id, is_implied') }}) as volume_90d_usd
    from asset_volume
),

venue_volume_90d as (
    select
        *,
        sum(kind_volume_usd) over (
            {{ days_back(89, 0, 'asset_id, venue_id, is_implied') }}
        ) as volume_90d_usd,
        count(*) over ({{ days_back(89, 0, 'asset_id, venue_id') }}) as obs_90d_count
    from venue_bar
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
        and venue_volume_90d.is_implied = asset_volume_90d.is_implied
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
    select
        asset_id,
        venue_id,
        day,
        open_usd,
        close_usd,
        is_implied,
        kind_volume_usd,
        count(*) over asset_day as eligible_count,
        -- an implied close has no volume of its own: it weighs a part of a usual direct one
        median(case when not is_implied then kind_volume_usd end) over asset_day
        as direct_volume_usd
    from assessed
    where ineligible_reason is null
    window asset_day as (partition by asset_id, day)
),

-- Outliers, by the distance from the others. Among few a close that is off is itself the median
-- deviation, or next to it, and would excuse itself: there each is held against the others alone.
peer as (
    select
        eligible.asset_id,
        eligible.venue_id,
        eligible.day,
        other.close_usd
    from eligible
    inner join eligible as other
        on eligible.asset_id = other.asset_id
        and eligible.day = other.day
    cross join price_config
    where eligible.eligible_count > price_config.mad_leave_out_max_venues
        or eligible.venue_id != other.venue_id
),

centre as (
    select asset_id, venue_id, day, median(close_usd) as median_usd
    from peer
    group by asset_id, venue_id, day
),

spread as (
    select
        peer.asset_id,
        peer.venue_id,
        peer.day,
        centre.median_usd,
        median(abs(peer.close_usd - centre.median_usd)) as mad_usd
    from peer
    inner join centre
        on peer.asset_id = centre.asset_id
        and peer.venue_id = centre.venue_id
        and peer.day = centre.day
    group by peer.asset_id, peer.venue_id, peer.day, centre.median_usd
),

deviation as (
    select
        eligible.*,
        spread.mad_usd,
        spread.median_usd,
        eligible.eligible_count >= price_config.mad_min_venues as is_judged,
        abs(eligible.close_usd - spread.median_usd) as deviation_usd
    from eligible
    cross join price_config
    left join spread
        on eligible.asset_id = spread.asset_id
        and eligible.venue_id = spread.venue_id
        and eligible.day = spread.day
),

measured as (
    select
        deviation.*,
        greatest(
            price_config.mad_multiple * price_config.mad_scale * deviation.mad_usd,
            price_config.mad_floor_frac * deviation.median_usd
        ) as threshold_usd,
        max(case when deviation.is_judged then deviation.day end) over (
            partition by deviation.asset_id, deviation.venue_id
            order by deviation.day
            rows between unbounded preceding and 1 preceding
        ) as last_judged_day
    from deviation
    cross join price_config
),

-- A venue beyond the threshold is out, and comes back on a day within half of it; in between its
-- state is that of the last clear day. Eligible venues are held against each other, out or in, so
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
        verdict.asset_id,
        verdict.venue_id,
        verdict.day,
        verdict.open_usd,
        verdict.close_usd,
        case
            when not verdict.is_implied then verdict.kind_volume_usd
            else price_config.implied_weight_frac * coalesce(verdict.direct_volume_usd, 1)
        end as weight,
        case
            when verdict.clear_verdict = 1 then 'outlier'
            when verdict.is_bound
                and {{ last_known(
                    'verdict.clear_verdict',
                    'partition by verdict.asset_id, verdict.venue_id order by verdict.day'
                    ~ ' rows between unbounded preceding and current row'
                ) }} = 1
                then 'outlier_hold'
        end as rejection_reason
    from verdict
    cross join price_config
),

remaining as (
    select * from held
    where rejection_reason is null
),

weighed_close as (
    {{ volume_weighted_median('remaining', 'close_usd', 'weight', ['asset_id', 'day']) }}
),

weighed_open as (
    {{ volume_weighted_median('remaining', 'open_usd', 'weight', ['asset_id', 'day']) }}
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

-- one reading per day; two venues in dispute leave it open which of two
reading as (
    select
        tally.asset_id,
        tally.day,
        tally.remaining_count = 1 as is_alone,
        tally.is_disputed,
        weighed_open.open_usd,
        weighed_close.close_usd,
        case
            when tally.is_disputed then tally.min_close_usd else weighed_close.close_usd
        end as low_usd,
        case
            when tally.is_disputed then tally.max_close_usd else weighed_close.close_usd
        end as high_usd
    from tally
    inner join weighed_close
        on tally.asset_id = weighed_close.asset_id
        and tally.day = weighed_close.day
    left join weighed_open
        on tally.asset_id = weighed_open.asset_id
        and tally.day = weighed_open.day
),

preceded as (
    select
        *,
        row_number() over by_day as reading_number,
        lag(day) over by_day as day_1,
        lag(close_usd) over by_day as close_1_usd,
        abs(ln(close_usd / lag(close_usd) over by_day)) as move,
        greatest(
            abs(ln(close_usd / lag(low_usd) over by_day)),
            abs(ln(close_usd / lag(high_usd) over by_day))
        ) as largest_move
    from reading
    window by_day as (partition by asset_id order by day)
),

usual as (
    select
        *,
        count(move) over before as move_count,
        median(move) over before as usual_move
    from preceded
    window before as ({{ days_back(30, 1, 'asset_id') }})
),

explained as (
    select distinct preceded.asset_id, preceded.day
    from preceded
    inner join token_event
        on preceded.asset_id = token_event.asset_id
        and token_event.effective_day <= preceded.day
        and token_event.effective_day > preceded.day_1
),

-- how far one venue alone may go depends on how far the asset usually goes
bounded as (
    select
        usual.*,
        explained.asset_id is null
        and coalesce(
            {{ days_between('usual.day_1', 'usual.day') }} <= price_config.jump_look_back_d, false
        ) as is_comparable,
        least(
            ln(price_config.jump_single_venue_x),
            case
                when usual.move_count >= price_config.jump_min_obs
                    then greatest(
                        price_config.jump_min_log_return,
                        price_config.jump_multiple * price_config.mad_scale * usual.usual_move
                    )
            end
        ) as jump_log_return
    from usual
    cross join price_config
    left join explained
        on usual.asset_id = explained.asset_id
        and usual.day = explained.day
),

-- what cannot be known without the day before it
numbered as (
    select
        *,
        is_disputed
        or (is_alone and is_comparable and largest_move > jump_log_return) as is_open
    from bounded
),

-- A run of open days, from the last close that was believed. Two venues in dispute: the nearer to
-- it. A jump that one venue prints alone is a price, held as unconfirmed. The first trade after it
-- has the word: a real fall opens where it closed, even if it recovers within the next day; a bad
-- print is gone by then. Venues that agree are believed at once.
walked as (
    {{ settled_reading("
        select
            numbered.*,
            numbered.close_1_usd as believed_before_usd,
            cast(null as double) as pending_before_usd
        from numbered
        left join numbered as day_before
            on numbered.asset_id = day_before.asset_id
            and numbered.reading_number = day_before.reading_number + 1
        where numbered.is_open and not coalesce(day_before.is_open, false)
    ") }}

    union all

    {{ settled_reading("
        select
            numbered.*,
            walked.believed_usd as believed_before_usd,
            walked.pending_usd as pending_before_usd
        from numbered
        inner join walked
            on numbered.asset_id = walked.asset_id
            and numbered.reading_number = walked.reading_number + 1
        where numbered.is_open
    ") }}
),

-- the day after a run is plain again, and has the last word about it
plain as (
    {{ settled_reading("
        select
            numbered.*,
            coalesce(walked.believed_usd, numbered.close_1_usd) as believed_before_usd,
            walked.pending_usd as pending_before_usd
        from numbered
        left join walked
            on numbered.asset_id = walked.asset_id
            and numbered.reading_number = walked.reading_number + 1
        where not numbered.is_open
    ") }}
),

settled as (
    select * from walked
    union all
    select * from plain
),

assembled as (
    select
        assessed.*,
        settled.is_disputed,
        settled.pending_usd is not null as is_unconfirmed,
        settled.prior_close_verdict,
        settled.settled_close_usd as canonical_close_usd,
        coalesce(
            assessed.ineligible_reason,
            held.rejection_reason,
            case
                when settled.is_disputed and settled.settled_close_usd != assessed.close_usd
                    then 'disputed'
            end
        ) as exclusion_reason
    from assessed
    left join held
        on assessed.asset_id = held.asset_id
        and assessed.venue_id = held.venue_id
        and assessed.day = held.day
    left join settled
        on assessed.asset_id = settled.asset_id
        and assessed.day = settled.day
),

final as (
    select
        asset_id,
        venue_id,
        day,
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
        ineligible_reason is null as is_eligible,
        exclusion_reason is null as is_accepted,
        exclusion_reason,
        canonical_close_usd,
        coalesce(is_disputed, false) as is_disputed,
        coalesce(is_unconfirmed, false) as is_unconfirmed,
        prior_close_verdict,
        first_known_at
    from assembled

    union all

    select
        asset_id,
        venue_id,
        day,
        cast(null as varchar) as symbol,
        cast(null as boolean) as is_implied,
        cast(null as varchar) as quote_basis,
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
        false as is_unconfirmed,
        cast(null as varchar) as prior_close_verdict,
        cast(null as timestamptz) as first_known_at
    from unusable_venue
)
{% endmacro %}
