-- the raw values of the investor grade's factors, before anybody is ranked. What has no
-- source here is NULL and takes no part: value moved on chain. The largest supply is known from its
-- first capture on; what DefiLlama says counts from the day on which a decision may rest on it.
with membership as (
    select * from {{ ref('int_universe_membership_daily') }}
    where universe_id = 'core' and membership_reason != 'asset_class'
),

asset as (
    select * from {{ ref('int_asset_registry') }}
),

risk as (
    select * from {{ ref('int_asset_risk_daily') }}
),

price as (
    select * from {{ ref('int_asset_price_daily') }}
),

market_cap as (
    select * from {{ ref('int_asset_mcap_daily') }}
),

activity as (
    select * from {{ ref('int_asset_activity_daily') }}
),

fundamentals as (
    select * from {{ ref('int_token_fundamentals_daily') }}
),

defi_convention as (
    select max(publish_lag_h) as publish_lag_h
    from {{ ref('meta_source') }}
    where source = 'defillama' and table_name in ('protocol_tvl', 'protocol_metrics')
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

-- a source that answers hours after the close speaks for a later decision
reported as (
    select
        fundamentals.asset_id,
        fundamentals.day + cast(greatest(
            0, ceil((defi_convention.publish_lag_h - price_config.decision_lag_h) / 24.0)
        ) as integer) as day,
        case
            when fundamentals.fees_30d_usd * 365 / 30 >= defi_config.fees_floor_usd
                then fundamentals.fees_30d_usd * 365 / 30
        end as fees_ann_usd,
        case
            when fundamentals.revenue_30d_usd * 365 / 30 >= defi_config.fees_floor_usd
                then fundamentals.revenue_30d_usd * 365 / 30
        end as revenue_ann_usd,
        case when fundamentals.tvl_usd >= defi_config.tvl_floor_usd then fundamentals.tvl_usd end
        as tvl_usd,
        fundamentals.usd_inflow_90d_usd,
        fundamentals.fees_growth_90d_frac,
        fundamentals.fees_30d_usd is not null as has_fees,
        fundamentals.tvl_usd is not null as has_value
    from fundamentals
    cross join defi_convention
    cross join price_config
    cross join defi_config
),

factor_config as (
    select * from {{ ref('cfg_factor') }}
    qualify row_number() over (order by version desc) = 1
),

user_window as (
    select
        asset_id,
        day,
        mvrv_x,
        avg(active_addresses) over past_90d as mean_90d,
        count(active_addresses) over past_90d as obs_90d_count,
        avg(active_addresses) over before_90d as mean_before_90d,
        count(active_addresses) over before_90d as obs_before_90d_count
    from activity
    window
        past_90d as ({{ last_days(90, 'asset_id') }}),
        before_90d as ({{ days_back(179, 90, 'asset_id') }})
),

supply_window as (
    select
        asset_id,
        day,
        supply_in_first_units,
        mcap_usd,
        supply_onchain_in_first_units,
        fdv_usd,
        float_frac,
        {{ value_days_ago('supply_in_first_units', 365, 'asset_id') }} as supply_365d_ago,
        {{ value_days_ago('supply_onchain_in_first_units', 365, 'asset_id') }} as supply_onchain_365d_ago
    from market_cap
),

volume_window as (
    select
        asset_id,
        day,
        n_venues,
        median(volume_usd) over past_90d as volume_median_90d_usd,
        count(volume_usd) over past_90d as volume_90d_count
    from price
    window past_90d as ({{ last_days(90, 'asset_id') }})
),

valued as (
    select
        membership.asset_id,
        membership.day,
        membership.is_member as in_universe,
        membership.asset_class,
        asset.sector,
        supply_window.mcap_usd,
        supply_window.mcap_usd / reported.fees_ann_usd as pf,
        supply_window.mcap_usd / reported.revenue_ann_usd as ps,
        supply_window.mcap_usd / reported.tvl_usd as mcap_tvl,
        cast(null as double) as nvt_signal,
        user_window.mvrv_x as mvrv,
        reported.fees_growth_90d_frac as fee_growth,
        reported.usd_inflow_90d_usd / reported.tvl_usd as tvl_inflow,
        case
            when user_window.mean_before_90d > 0
                and user_window.obs_90d_count >= factor_config.user_growth_min_obs
                and user_window.obs_before_90d_count >= factor_config.user_growth_min_obs
                then user_window.mean_90d / user_window.mean_before_90d - 1
        end as user_growth,
        supply_window.float_frac as free_float,
        -- growth of one concept: what circulates, or else what is on the ledger, never one over the other
        case
            when supply_window.supply_365d_ago > 0 and supply_window.supply_in_first_units is not null
                then supply_window.supply_in_first_units / supply_window.supply_365d_ago - 1
            when supply_window.supply_onchain_365d_ago > 0
                then supply_window.supply_onchain_in_first_units / supply_window.supply_onchain_365d_ago - 1
        end as dilution,
        case
            when supply_window.mcap_usd > 0 then supply_window.fdv_usd / supply_window.mcap_usd
        end as overhang,
        risk.sharpe_365d as sharpe,
        risk.max_drawdown_365d as max_drawdown,
        risk.vol_180d_ann as volatility,
        case
            when supply_window.mcap_usd > 0
                and volume_window.volume_90d_count >= factor_config.turnover_min_obs
                then volume_window.volume_median_90d_usd / supply_window.mcap_usd
        end as turnover,
        case when volume_window.n_venues > 0 then cast(volume_window.n_venues as double) end as venues,
        reported.has_fees,
        reported.has_value
    from membership
    cross join factor_config
    inner join asset on membership.asset_id = asset.asset_id
    left join risk
        on membership.asset_id = risk.asset_id
        and membership.day = risk.day
    left join user_window
        on membership.asset_id = user_window.asset_id
        and membership.day = user_window.day
    left join supply_window
        on membership.asset_id = supply_window.asset_id
        and membership.day = supply_window.day
    left join reported
        on membership.asset_id = reported.asset_id
        and membership.day = reported.day
    left join volume_window
        on membership.asset_id = volume_window.asset_id
        and membership.day = volume_window.day
),

-- what an asset is shows in what has ever heard of it: a token need not belong to a protocol, a coin
-- whose network earns fees holds nobody's deposits
final as (
    select
        *,
        coalesce(bool_or(has_fees) over so_far, false) as earns_fees,
        coalesce(bool_or(has_value) over so_far, false) as holds_value,
        coalesce(nvt_signal, mvrv) is not null or asset_class = 'coin' as is_network
    from valued
    window so_far as (
        partition by asset_id order by day
        rows between unbounded preceding and current row
    )
)

select * from final
