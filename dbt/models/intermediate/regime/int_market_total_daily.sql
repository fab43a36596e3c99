{% set so_far = 'order by day rows between unbounded preceding and current row' %}

-- the market as a whole: its size, shares, where a day's change came from, and what
-- it returned to those who held it, which neither issuance nor a coin that is newly covered changes
with market_cap as (
    select * from {{ ref('int_asset_mcap_daily') }}
    where mcap_usd > 0 and is_counted
),

calendar as (
    select distinct day from {{ ref('int_asset_calendar_daily') }}
),

regime_config as (
    select * from {{ ref('cfg_regime') }}
    qualify row_number() over (order by version desc) = 1
),

preceded as (
    select
        *,
        {{ value_days_ago('mcap_usd', 1, 'asset_id') }} as mcap_1_usd,
        {{ value_days_ago('supply_in_first_units', 1, 'asset_id') }} as supply_1_in_first_units,
        {{ value_days_ago('price_of_first_unit_usd', 1, 'asset_id') }} as price_1_of_first_unit_usd
    from market_cap
),

effect as (
    select
        *,
        supply_1_in_first_units * (price_of_first_unit_usd - price_1_of_first_unit_usd)
        as price_effect_usd,
        price_of_first_unit_usd * (supply_in_first_units - supply_1_in_first_units)
        as issuance_effect_usd
    from preceded
),

summed as (
    select
        day,
        count(*) as asset_count,
        {{ exact_sum('mcap_usd') }} as mcap_usd,
        max(case when asset_id = 'bitcoin' then mcap_usd end) as btc_mcap_usd,
        max(case when asset_id = 'ethereum' then mcap_usd end) as eth_mcap_usd,
        {{ exact_sum('case when is_stablecoin then mcap_usd end') }} as stablecoin_mcap_usd,
        {{ exact_sum('case when is_alt then mcap_usd end') }} as alt_mcap_usd,
        {{ exact_sum('price_effect_usd') }} as mcap_price_effect_1d_usd,
        {{ exact_sum('issuance_effect_usd') }} as mcap_issuance_effect_1d_usd,
        {{ exact_sum('case when mcap_1_usd is null then mcap_usd end') }} as entered_mcap_usd,
        {{ exact_sum('mcap_1_usd') }} as remaining_mcap_1_usd,
        count(case when not is_stablecoin then mcap_1_usd end) as held_count,
        {{ exact_sum('case when not is_stablecoin then price_effect_usd end') }} as held_gain_usd,
        {{ exact_sum('case when not is_stablecoin then mcap_1_usd end') }} as held_usd,
        {{ exact_sum('case when is_alt then price_effect_usd end') }} as alt_gain_usd,
        {{ exact_sum('case when is_alt then mcap_1_usd end') }} as alt_held_usd,
        count(case when is_alt then mcap_1_usd end) as alt_held_count
    from effect
    group by day
),

-- without bitcoin, or with too few others, a sum is no market
judged as (
    select
        calendar.day,
        summed.asset_count,
        summed.mcap_usd,
        summed.btc_mcap_usd,
        summed.eth_mcap_usd,
        summed.stablecoin_mcap_usd,
        summed.alt_mcap_usd,
        summed.mcap_price_effect_1d_usd,
        summed.mcap_issuance_effect_1d_usd,
        summed.entered_mcap_usd,
        summed.remaining_mcap_1_usd,
        summed.asset_count >= regime_config.total_min_assets and summed.btc_mcap_usd is not null
        as is_covered,
        case
            when summed.held_count >= regime_config.bucket_min_members and summed.held_usd > 0
                then summed.held_gain_usd / summed.held_usd
        end as market_ret_1d,
        case
            when summed.alt_held_count >= regime_config.bucket_min_members and summed.alt_held_usd > 0
                then summed.alt_gain_usd / summed.alt_held_usd
        end as alt_ret_1d,
        regime_config.index_base
    from calendar
    cross join regime_config
    left join summed on calendar.day = summed.day
),

sized as (
    select
        day,
        asset_count,
        case when is_covered then mcap_usd end as total_mcap_usd,
        case when is_covered then btc_mcap_usd end as btc_mcap_usd,
        case when is_covered then eth_mcap_usd end as eth_mcap_usd,
        case when is_covered then coalesce(stablecoin_mcap_usd, 0) end as stablecoin_mcap_usd,
        case when is_covered then coalesce(alt_mcap_usd, 0) end as alt_mcap_usd,
        case when is_covered then mcap_price_effect_1d_usd end as mcap_price_effect_1d_usd,
        case when is_covered then mcap_issuance_effect_1d_usd end as mcap_issuance_effect_1d_usd,
        case when is_covered then coalesce(entered_mcap_usd, 0) end as entered_mcap_usd,
        case when is_covered then coalesce(remaining_mcap_1_usd, 0) end as remaining_mcap_1_usd,
        case when is_covered then market_ret_1d end as market_ret_1d,
        case when is_covered then alt_ret_1d end as alt_ret_1d,
        index_base
    from judged
),

compared as (
    select
        *,
        max(total_mcap_usd) over ({{ so_far }}) as total_mcap_ath_usd,
        {{ value_days_ago('total_mcap_usd', 1, 'true') }} as total_mcap_1_usd,
        case
            when market_ret_1d is not null
                then index_base * {{ product_of('1 + market_ret_1d', 'over (' ~ so_far ~ ')') }}
        end as market_index,
        alt_mcap_usd / total_mcap_usd as alt_share_frac,
        avg(total_mcap_usd) over past_200d as total_mean_200d_usd,
        count(total_mcap_usd) over past_200d as total_200d_count
    from sized
    window past_200d as ({{ last_days(200, 'true') }})
),

described as (
    select
        day,
        asset_count,
        total_mcap_usd,
        btc_mcap_usd,
        eth_mcap_usd,
        stablecoin_mcap_usd,
        alt_mcap_usd,
        alt_share_frac,
        case when total_mcap_usd is not null then total_mcap_ath_usd end as total_mcap_ath_usd,
        case when total_200d_count = 200 then total_mean_200d_usd end as total_mcap_sma_200_usd,
        total_mcap_1_usd,
        -- a sum over nobody is no effect: the day before has to be there, too
        case when total_mcap_1_usd is not null then mcap_price_effect_1d_usd end as mcap_price_effect_1d_usd,
        case when total_mcap_1_usd is not null then mcap_issuance_effect_1d_usd end
        as mcap_issuance_effect_1d_usd,
        entered_mcap_usd - (total_mcap_1_usd - remaining_mcap_1_usd) as mcap_coverage_effect_1d_usd,
        market_ret_1d,
        market_index,
        alt_ret_1d,
        {{ value_days_ago('alt_share_frac', 7, 'true') }} as alt_share_7_frac,
        {{ value_days_ago('alt_share_frac', 30, 'true') }} as alt_share_30_frac
    from compared
),

-- where shares move, on the day by itself
final as (
    select
        *,
        case
            when alt_share_30_frac is null or alt_share_7_frac is null then null
            when alt_share_frac > alt_share_30_frac and alt_share_frac > alt_share_7_frac
                then 'into_alts'
            when alt_share_frac > alt_share_7_frac then 'turning_to_alts'
            when alt_share_frac > alt_share_30_frac then 'turning_from_alts'
            when alt_share_frac is not null then 'out_of_alts'
        end as rotation
    from described
)

select * from final
