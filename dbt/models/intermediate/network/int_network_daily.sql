{% set so_far = 'partition by asset_id order by day rows between unbounded preceding and current row' %}
{% set metrics = [
    'active_address_count', 'tx_count', 'transfer_count', 'transfer_value_adj_usd', 'fee_native',
    'hash_rate_ths', 'issuance_native', 'issuance_usd', 'realised_cap_usd', 'source_mcap_usd',
    'source_mvrv_x', 'source_price_usd'
] %}

-- in SQL, for everything is a ratio, a window that ends with the day, or a running total.
-- One row per asset and day, from the first day to the last of which a source says anything.
with network_metric as (
    select * from {{ ref('int_network_metric_daily') }}
    -- an estimate of a market cap reads no network
    where metric not in ('source_estimated_mcap_usd', 'source_rate_usd')
),

supply as (
    select * from {{ ref('int_asset_supply_onchain_daily') }}
),

price as (
    select * from {{ ref('int_asset_price_daily') }}
),

asset as (
    select * from {{ ref('int_asset_registry') }}
),

network_config as (
    select * from {{ ref('cfg_network') }}
    qualify row_number() over (order by version desc) = 1
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

-- what a network is valued by, beside its price and supply
pivoted as (
    select
        asset_id,
        day,
        {% for name in metrics %}
            max(case when metric = '{{ name }}' then value end) as {{ name }},
        {% endfor %}
        max(first_known_at) as first_known_at
    from network_metric
    group by asset_id, day
),

lifetime as (
    select asset_id, min(day) as first_day, max(day) as last_day
    from pivoted
    group by asset_id
),

calendar as (
    {{ day_spine('lifetime', ['asset_id', 'first_day', 'last_day'], 'first_day', 'last_day') }}
),

valued as (
    select
        calendar.asset_id,
        calendar.day,
        pivoted.active_address_count,
        pivoted.tx_count,
        pivoted.transfer_count,
        pivoted.transfer_value_adj_usd,
        pivoted.fee_native,
        pivoted.hash_rate_ths,
        pivoted.issuance_native,
        pivoted.source_mcap_usd,
        pivoted.source_mvrv_x,
        pivoted.realised_cap_usd as reported_realised_cap_usd,
        pivoted.issuance_usd as reported_issuance_usd,
        supply.supply_native,
        supply.supply_source,
        -- before venues list an asset, its source's own price is all there is
        coalesce(price.close_usd, nullif(greatest(pivoted.source_price_usd, 0), 0)) as price_usd,
        case
            when price.close_usd is not null then 'canonical'
            when pivoted.source_price_usd > 0 then 'source'
        end as price_basis,
        asset.launch_day,
        case
            when coalesce(pivoted.first_known_at, supply.first_known_at) is null then null
            when greatest(pivoted.first_known_at, supply.first_known_at)
                <= {{ day_start('calendar.day + 1 + price_config.captured_within_d') }}
                and coalesce(price.pit_basis, 'captured') = 'captured'
                then 'captured'
            else 'assumed'
        end as pit_basis
    from calendar
    left join pivoted
        on calendar.asset_id = pivoted.asset_id
        and calendar.day = pivoted.day
    left join supply
        on calendar.asset_id = supply.asset_id
        and calendar.day = supply.day
    left join price
        on calendar.asset_id = price.asset_id
        and calendar.day = price.day
    left join asset on calendar.asset_id = asset.asset_id
    cross join price_config
),

capitalised as (
    select
        *,
        price_usd * supply_native as mcap_usd,
        -- what the source says itself, or what it implies
        coalesce(
            case when reported_realised_cap_usd > 0 then reported_realised_cap_usd end,
            case when source_mvrv_x > 0 and source_mcap_usd > 0 then source_mcap_usd / source_mvrv_x end
        ) as realised_cap_usd,
        coalesce(reported_issuance_usd, issuance_native * price_usd) as issuance_usd
    from valued
),

windowed as (
    select
        *,
        {{ finite('stddev_samp(mcap_usd) over (' ~ so_far ~ ')') }} as mcap_stdev_usd,
        count(mcap_usd) over ({{ so_far }}) as mcap_count,
        avg(transfer_value_adj_usd) over ({{ last_days(90, 'asset_id') }}) as transfer_value_adj_90d_usd,
        count(transfer_value_adj_usd) over ({{ last_days(90, 'asset_id') }}) as transfer_90d_count,
        avg(issuance_usd) over ({{ last_days(365, 'asset_id') }}) as issuance_365d_usd,
        count(issuance_usd) over ({{ last_days(365, 'asset_id') }}) as issuance_365d_count,
        avg(active_address_count) over ({{ last_days(30, 'asset_id') }}) as active_address_30d_mean,
        count(active_address_count) over ({{ last_days(30, 'asset_id') }}) as active_30d_count,
        {{ window_pit_basis('pit_basis', 365, 'asset_id') }} as window_pit_basis,
        -- the first day of the issuance, and the first on which a coin had a price
        min(case when issuance_native is not null then day end) over ({{ so_far }}) as issuance_first_day,
        min(case when issuance_usd is not null then day end) over ({{ so_far }}) as priced_first_day,
        sum(issuance_usd) over ({{ so_far }}) as issuance_total_usd,
        count(issuance_usd) over ({{ so_far }}) as issuance_count
    from capitalised
),

bounded as (
    select
        windowed.*,
        case
            when windowed.transfer_90d_count >= network_config.nvt_signal_min_obs
                then windowed.transfer_value_adj_90d_usd
        end as transfer_mean_usd,
        case
            when windowed.issuance_365d_count >= network_config.puell_min_obs
                then windowed.issuance_365d_usd
        end as issuance_mean_usd,
        case
            when windowed.active_30d_count >= network_config.active_min_obs
                then windowed.active_address_30d_mean
        end as active_mean,
        case
            when windowed.mcap_count >= network_config.mvrv_z_min_obs
                and windowed.mcap_stdev_usd > network_config.sd_floor_usd
                then windowed.mcap_stdev_usd
        end as mcap_sd_usd,
        -- a total that starts late or leaves out a day is too small without looking so
        case
            when {{ days_between('windowed.launch_day', 'windowed.issuance_first_day') }}
                <= network_config.genesis_tolerance_d
                and windowed.issuance_count
                = {{ days_between('windowed.priced_first_day', 'windowed.day') }} + 1
                then windowed.issuance_total_usd
        end as thermocap_usd
    from windowed
    cross join network_config
),

crowded as (
    select
        *,
        case when active_mean > 0 then mcap_usd / (active_mean * active_mean) end as usd_per_pair
    from bounded
),

-- k is what makes the middle of the first year 1, and is never fitted again
first_year as (
    select
        *,
        min(case when usd_per_pair is not null then day end) over ({{ so_far }}) as fit_first_day
    from crowded
),

fit as (
    select
        first_year.asset_id,
        min(first_year.fit_first_day) + 364 as fit_last_day,
        1 / median(first_year.usd_per_pair) as metcalfe_k
    from first_year
    cross join network_config
    where first_year.usd_per_pair > 0
        and first_year.day <= first_year.fit_first_day + 364
    group by first_year.asset_id, network_config.metcalfe_fit_min_obs
    having count(*) >= network_config.metcalfe_fit_min_obs
),

final as (
    select
        first_year.asset_id,
        first_year.day,
        first_year.price_usd,
        first_year.price_basis,
        first_year.supply_native,
        first_year.supply_source,
        first_year.mcap_usd,
        first_year.active_address_count,
        first_year.active_mean as active_address_30d_mean,
        first_year.tx_count,
        first_year.transfer_count,
        first_year.transfer_value_adj_usd,
        first_year.fee_native,
        first_year.hash_rate_ths,
        first_year.issuance_native,
        first_year.issuance_usd,
        case
            when first_year.supply_native > 0
                then first_year.issuance_native * 365 / first_year.supply_native
        end as issuance_ann_frac,
        first_year.realised_cap_usd,
        case
            when first_year.realised_cap_usd > 0
                then first_year.mcap_usd / first_year.realised_cap_usd
        end as mvrv_x,
        (first_year.mcap_usd - first_year.realised_cap_usd) / first_year.mcap_sd_usd as mvrv_z,
        case
            when first_year.transfer_value_adj_usd > 0
                then first_year.mcap_usd / first_year.transfer_value_adj_usd
        end as nvt_x,
        case
            when first_year.transfer_mean_usd > 0
                then first_year.mcap_usd / first_year.transfer_mean_usd
        end as nvt_signal_x,
        first_year.thermocap_usd,
        case
            when first_year.thermocap_usd > 0
                then first_year.mcap_usd / first_year.thermocap_usd
        end as thermocap_multiple,
        case
            when first_year.issuance_mean_usd > 0
                then first_year.issuance_usd / first_year.issuance_mean_usd
        end as puell_x,
        fit.metcalfe_k,
        first_year.usd_per_pair * fit.metcalfe_k as metcalfe_ratio,
        case
            when first_year.active_address_count > 1 and first_year.mcap_usd > 1
                then ln(first_year.mcap_usd) / (2 * ln(first_year.active_address_count))
        end as nvm_ratio,
        first_year.window_pit_basis as pit_basis
    from first_year
    -- before the first year is over nobody knows its middle
    left join fit
        on first_year.asset_id = fit.asset_id
        and first_year.day >= fit.fit_last_day
)

select * from final
