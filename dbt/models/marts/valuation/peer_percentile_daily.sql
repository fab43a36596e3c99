{%- set metrics = [
    'pf_circ_x', 'pf_fdv_x', 'ps_circ_x', 'ps_fdv_x', 'mcap_tvl_x', 'fee_yield_on_tvl_frac',
    'take_rate_frac', 'holder_yield_frac', 'volume_to_mcap_x', 'float_frac'
] -%}

-- where an asset stands among those of its sector that have a value on the day
with valuation as (
    select * from {{ ref('int_valuation_daily') }}
    where sector is not null
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

measured as (
    {% for name in metrics %}
        select asset_id, sector, day, '{{ name }}' as metric, {{ name }} as metric_value
        from valuation
        -- a multiple below zero is no cheapness
        where {{ name }} >= 0
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (
    select
        *,
        rank() over (partition by sector, metric, day order by metric_value) - 1 as below_count,
        count(*) over (partition by sector, metric, day, metric_value) as equal_count,
        count(*) over (partition by sector, metric, day) as peer_count,
        median(metric_value) over (partition by sector, metric, day) as middle_value
    from measured
),

final as (
    select
        ranked.asset_id,
        ranked.metric,
        ranked.day,
        ranked.sector,
        ranked.metric_value,
        ranked.peer_count,
        case
            when ranked.peer_count >= defi_config.peer_min_count
                then 100 * (ranked.below_count + ranked.equal_count / 2.0) / ranked.peer_count
        end as sector_pctile,
        case when ranked.peer_count >= defi_config.peer_min_count then ranked.middle_value end
        as sector_median,
        case
            when ranked.peer_count >= defi_config.peer_min_count and ranked.middle_value > 0
                then ranked.metric_value / ranked.middle_value - 1
        end as premium_to_median_frac,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from ranked
    cross join defi_config
    cross join build_stamp
)

select * from final
order by asset_id, metric, day
