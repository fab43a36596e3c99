-- what a contract says of a day: the funding settled in it, and open interest and mark at its end
with perpetual as (
    select * from {{ ref('int_perpetual') }}
),

settlement as (
    select * from {{ ref('int_funding_settlement') }}
),

binance_interest as (
    select * from {{ ref('stg_binance_futures__open_interest') }}
),

bybit_interest as (
    select * from {{ ref('stg_bybit__open_interest') }}
),

alias as (
    select
        source,
        source_id,
        asset_id,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to
    from {{ ref('int_asset_alias') }}
),

price as (
    select asset_id, day, close_usd
    from {{ ref('int_asset_price_daily') }}
),

quote_price as (
    select * from {{ ref('int_quote_price_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

funding as (
    select
        source,
        symbol,
        day,
        {{ inexact('sum(' ~ exact('1e9 * rate_frac') ~ ')') }} / 1e9 as rate_sum_frac,
        sum(interval_h) as hours_sum,
        count(*) as settlement_count,
        count(interval_h) as interval_count,
        max(settled_at) as last_settled_at,
        max_by(interval_h, settled_at) as last_interval_h,
        max(first_known_at) as first_known_at
    from settlement
    group by source, symbol, day
),

-- a day of which a settlement is missing, or of which the last hours are, has no sum
funding_day as (
    select
        source,
        symbol,
        day,
        settlement_count,
        first_known_at,
        interval_count = settlement_count
        and {{ hours_between('last_settled_at', day_start('day + 1')) }} <= last_interval_h
        as is_complete,
        rate_sum_frac,
        hours_sum
    from funding
),

-- the settlement at 00:00 shows the mark price with which the day before it ended
mark as (
    select
        source,
        symbol,
        day - 1 as day,
        max(mark_price_quote) as mark_quote,
        max(first_known_at) as first_known_at
    from settlement
    where settled_at = {{ day_start('day') }} and mark_price_quote > 0
    group by source, symbol, day
),

interest as (
    select
        'binance_futures' as source,
        symbol,
        day,
        cast(open_interest_base as double) as open_interest_base,
        cast(open_interest_quote as double) as open_interest_quote,
        first_known_at
    from binance_interest

    union all

    select
        'bybit' as source,
        symbol,
        day,
        cast(open_interest_base as double) as open_interest_base,
        cast(null as double) as open_interest_quote,
        first_known_at
    from bybit_interest
),

contract_day as (
    select source, symbol, day from funding
    union
    select source, symbol, day from mark
    union
    select source, symbol, day from interest
),

identified as (
    select
        contract_day.source,
        contract_day.symbol,
        contract_day.day,
        perpetual.base_units,
        base.asset_id,
        quote_price.price_usd as quote_price_usd
    from contract_day
    cross join build_stamp
    inner join perpetual
        on contract_day.source = perpetual.source
        and contract_day.symbol = perpetual.symbol
    inner join alias as base
        on perpetual.source = base.source
        and perpetual.base_code = base.source_id
        and contract_day.day >= base.valid_from
        and contract_day.day < base.valid_to
    left join alias as quoted
        on perpetual.source = quoted.source
        and perpetual.quote_code = quoted.source_id
        and contract_day.day >= quoted.valid_from
        and contract_day.day < quoted.valid_to
    left join quote_price
        on quoted.asset_id = quote_price.asset_id
        and contract_day.day = quote_price.day
    -- a day that is not over has settled a part of its funding only
    where {{ day_start('contract_day.day + 1') }} <= build_stamp.as_of_ts
),

measured as (
    select
        identified.source,
        identified.symbol,
        identified.day,
        identified.asset_id,
        case when funding_day.is_complete then funding_day.rate_sum_frac end as funding_day_frac,
        case
            when funding_day.is_complete and funding_day.hours_sum > 0
                then funding_day.rate_sum_frac * 8 / funding_day.hours_sum
        end as funding_8h_eq_frac,
        funding_day.settlement_count,
        interest.open_interest_base * identified.base_units as open_interest_native,
        interest.open_interest_quote * identified.quote_price_usd as open_interest_stated_usd,
        mark.mark_quote * identified.quote_price_usd / identified.base_units as mark_usd,
        price.close_usd,
        greatest(
            funding_day.first_known_at,
            mark.first_known_at,
            interest.first_known_at
        ) as first_known_at
    from identified
    left join funding_day
        on identified.source = funding_day.source
        and identified.symbol = funding_day.symbol
        and identified.day = funding_day.day
    left join mark
        on identified.source = mark.source
        and identified.symbol = mark.symbol
        and identified.day = mark.day
    left join interest
        on identified.source = interest.source
        and identified.symbol = interest.symbol
        and identified.day = interest.day
    left join price
        on identified.asset_id = price.asset_id
        and identified.day = price.day
),

final as (
    select
        source,
        symbol,
        day,
        asset_id,
        funding_day_frac,
        funding_8h_eq_frac,
        settlement_count,
        open_interest_native,
        -- the venue's own value, or the amount at the mark; a venue that shows no mark is
        -- valued at the canonical close
        coalesce(
            open_interest_stated_usd,
            open_interest_native * coalesce(mark_usd, close_usd)
        ) as oi_usd,
        mark_usd,
        -- the index is the canonical price of the spot market
        case when close_usd > 0 then mark_usd / close_usd - 1 end as basis_frac,
        first_known_at
    from measured
)

select * from final
