with perpetual_day as (
    select * from {{ ref('int_perpetual_daily') }}
),

price as (
    select asset_id, day, volume_usd, pit_basis
    from {{ ref('int_asset_price_daily') }}
),

derivative_config as (
    select * from {{ ref('cfg_derivative') }}
    qualify row_number() over (order by version desc) = 1
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

-- changes compare a contract with itself: one whose open interest begins to be known is no inflow
lagged as (
    select
        *,
        {% for n in [1, 7] %}
            {{ value_days_ago('oi_usd', n, 'source, symbol, asset_id') }} as oi_{{ n }}d_ago_usd,
        {% endfor %}
        case when oi_usd > 0 then oi_usd end as weight_usd
    from perpetual_day
),

summed as (
    select
        asset_id,
        day,
        {% for name in ['funding_day', 'funding_8h_eq', 'basis'] %}
            count({{ name }}_frac) as {{ name }}_count,
            {{ exact_sum('case when ' ~ name ~ '_frac is not null then weight_usd end') }}
            as {{ name }}_weight_usd,
            -- in millionths of a dollar: rates are small numbers
            {{ exact_sum('1e6 * ' ~ name ~ '_frac * weight_usd') }} / 1e6 as {{ name }}_weighed_usd,
            {{ exact_sum('1e9 * ' ~ name ~ '_frac') }} / 1e9 as {{ name }}_sum,
        {% endfor %}
        {% for n in [1, 7] %}
            {{ exact_sum('case when oi_' ~ n ~ 'd_ago_usd is not null then oi_usd end') }}
            as oi_since_{{ n }}d_usd,
            {{ exact_sum('case when oi_usd is not null then oi_' ~ n ~ 'd_ago_usd end') }}
            as oi_{{ n }}d_ago_usd,
        {% endfor %}
        {{ exact_sum('oi_usd') }} as oi_usd,
        count(oi_usd) as oi_contract_count,
        max(first_known_at) as first_known_at
    from lagged
    group by asset_id, day
),

-- weighed by open interest where it is known of at least one contract with a rate
averaged as (
    select
        *,
        {% for name in ['funding_day', 'funding_8h_eq', 'basis'] %}
            case
                when {{ name }}_weight_usd > 0 then {{ name }}_weighed_usd / {{ name }}_weight_usd
                when {{ name }}_count > 0 then {{ name }}_sum / {{ name }}_count
            end as {{ name }}_mean,
        {% endfor %}
        case
            when funding_day_weight_usd > 0 then 'open_interest'
            when funding_day_count > 0 then 'equal'
        end as funding_weighting
    from summed
),

covered as (
    select asset_id, min(day) as first_day, max(day) as last_day
    from perpetual_day
    where coalesce(funding_day_frac, oi_usd, basis_frac) is not null
    group by asset_id
),

spine as (
    {{ day_spine('covered', ['asset_id'], 'first_day', 'last_day') }}
),

dense as (
    select
        spine.asset_id,
        spine.day,
        averaged.funding_8h_eq_mean,
        averaged.funding_day_mean,
        averaged.funding_weighting,
        averaged.funding_day_count,
        averaged.oi_usd,
        averaged.oi_contract_count,
        {% for n in [1, 7] %}
            averaged.oi_since_{{ n }}d_usd,
            averaged.oi_{{ n }}d_ago_usd,
        {% endfor %}
        averaged.basis_mean,
        averaged.first_known_at,
        avg(averaged.funding_day_mean) over before_90d as funding_mean_90d,
        stddev_samp(averaged.funding_day_mean) over before_90d as funding_sd_90d,
        count(averaged.funding_day_mean) over before_90d as funding_obs_90d_count
    from spine
    left join averaged
        on spine.asset_id = averaged.asset_id
        and spine.day = averaged.day
    window before_90d as ({{ days_back(90, 1, 'spine.asset_id', day='spine.day') }})
),

final as (
    select
        dense.asset_id,
        dense.day,
        dense.funding_8h_eq_mean as funding_8h_eq,
        dense.funding_day_mean as funding_day,
        dense.funding_day_mean * 365 as carry_ann_frac,
        case
            when dense.funding_obs_90d_count >= derivative_config.z_min_obs
                and dense.funding_sd_90d >= derivative_config.sd_floor
                then (dense.funding_day_mean - dense.funding_mean_90d) / dense.funding_sd_90d
        end as funding_z_90d,
        dense.funding_weighting,
        coalesce(dense.funding_day_count, 0) as funding_contract_count,
        dense.oi_usd,
        coalesce(dense.oi_contract_count, 0) as oi_contract_count,
        case
            when dense.oi_1d_ago_usd > 0 then dense.oi_since_1d_usd / dense.oi_1d_ago_usd - 1
        end as oi_chg_1d,
        case
            when dense.oi_7d_ago_usd > 0 then dense.oi_since_7d_usd / dense.oi_7d_ago_usd - 1
        end as oi_chg_7d,
        case
            when price.volume_usd >= derivative_config.volume_floor_usd
                then dense.oi_usd / price.volume_usd
        end as oi_to_volume,
        dense.basis_mean as basis_frac,
        case
            when dense.first_known_at is null then null
            when dense.first_known_at
                <= {{ day_start('dense.day + 1 + price_config.captured_within_d') }}
                and coalesce(price.pit_basis, 'captured') = 'captured'
                then 'captured'
            else 'assumed'
        end as pit_basis
    from dense
    cross join derivative_config
    cross join price_config
    left join price
        on dense.asset_id = price.asset_id
        and dense.day = price.day
)

select * from final
