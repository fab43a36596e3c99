-- how far a stablecoin is from what it promises, from the first day on which anybody priced it
with price as (
    select * from {{ ref('int_stablecoin_price_daily') }}
    qualify min(case when reading_count > 0 or price_usd is not null then day end)
        over (partition by stablecoin_id) <= day
),

registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

stablecoin_config as (
    select * from {{ ref('cfg_stablecoin') }}
    qualify row_number() over (order by version desc) = 1
),

reference_config as (
    select * from {{ ref('cfg_reference_rate') }}
    qualify row_number() over (order by version desc) = 1
),

-- a coin that pays its yield in the price drifts by design: it has no peg to be measured against
measured as (
    select
        price.*,
        registry.is_rebasing,
        registry.is_yield_bearing,
        {% for name in ['price', 'low', 'low_any'] %}
            case
                when price.peg_value_usd > 0 and not registry.is_yield_bearing
                    then 1e4 * (price.{{ name }}_usd / price.peg_value_usd - 1)
            end as {{ name }}_dev_bps{{ ',' if not loop.last }}
        {% endfor %}
    from price
    inner join registry on price.stablecoin_id = registry.stablecoin_id
),

windowed as (
    select
        *,
        -- what can prove a recovery: a fresh price that money was traded at
        coalesce(
            price_quality not in ('stale', 'missing', 'unconfirmed')
            and volume_usd >= stablecoin_config.min_eligible_volume_usd,
            false
        ) as is_fresh,
        stddev_samp(price_dev_bps) over past_30d as dev_stdev_bps,
        count(price_dev_bps) over past_30d as dev_count,
        sum(
            case when abs(price_dev_bps) >= stablecoin_config.off_peg_bps then 1 else 0 end
        ) over past_30d as off_peg_count
    from measured
    cross join stablecoin_config
    window past_30d as ({{ last_days(30, 'stablecoin_id') }})
),

final as (
    select
        windowed.stablecoin_id,
        windowed.day,
        windowed.price_usd,
        windowed.price_source,
        windowed.ref_price_usd,
        windowed.ref_source,
        windowed.ref_day,
        windowed.decidable_day,
        windowed.ref_age_h,
        windowed.peg_value_usd,
        windowed.price_dev_bps as dev_bps,
        windowed.low_dev_bps as dev_low_bps,
        windowed.low_any_dev_bps as dev_any_low_bps,
        case
            when windowed.dev_count >= windowed.peg_window_min_obs then windowed.dev_stdev_bps
        end as dev_vol_30d_bps,
        case
            when windowed.dev_count >= windowed.peg_window_min_obs
                then windowed.off_peg_count / cast(windowed.dev_count as double)
        end as time_off_peg_30d_frac,
        windowed.volume_usd,
        windowed.price_quality,
        windowed.evidence,
        cast(windowed.reading_count as bigint) as reading_count,
        case
            when windowed.venue_count > 0 and not windowed.is_yield_bearing
                then 1e4 * windowed.agreed_dev_frac
        end as reading_dev_bps,
        case
            when windowed.venue_count > 0 and not windowed.is_yield_bearing
                then 1e4 * windowed.furthest_dev_frac
        end as furthest_dev_bps,
        windowed.is_rebasing,
        windowed.is_fresh,
        case
            -- on weekends nobody can say what gold and foreign money are worth
            when windowed.ref_age_h > reference_config.eligible_max_age_h then null
            else coalesce(
                windowed.price_dev_bps is not null
                and windowed.price_source = 'canonical'
                and windowed.is_fresh
                -- one venue beside other readings is one reading of several
                and (windowed.evidence = 'multi_venue' or windowed.reading_count = 1)
                and not windowed.is_rebasing,
                false
            )
        end as is_eligible,
        windowed.pit_basis
    from windowed
    cross join reference_config
)

select * from final
