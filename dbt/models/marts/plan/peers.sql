{{ config(materialized='replaced_view') }}

-- each asset among those of its sector on the newest day: in what can be measured of all,
-- ranked here, and in the multiples of what earns, ranked day by day in their mart
with screened as (
    select * from {{ ref('screener_latest') }}
    where is_in_universe and sector is not null
),

newest as (
    select max(day) as day from {{ ref('screener_latest') }}
),

multiple as (
    select peer.*
    from {{ ref('peer_percentile_daily') }} as peer
    inner join newest on peer.day = newest.day
),

grade_config as (
    select max(min_peers) as min_peers from {{ ref('cfg_grade') }}
    where grade = 'investor_grade'
),

measured as (
    {% for metric in [
        'mcap_usd', 'volume_median_30d_usd', 'ret_30d', 'vol_30d_ann', 'drawdown_frac',
        'trader_grade', 'investor_grade'
    ] %}
        select
            asset_id,
            sector,
            day,
            '{{ metric }}' as metric,
            {{ metric }} as metric_value,
            as_of_ts
        from screened
        where {{ metric }} is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (
    select
        *,
        count(*) over (partition by sector, metric) as peer_count,
        rank() over (partition by sector, metric order by metric_value) - 1 as below_count,
        count(*) over (partition by sector, metric, metric_value) as equal_count,
        median(metric_value) over (partition by sector, metric) as middle_value
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
            when ranked.peer_count >= grade_config.min_peers
                then 100 * (ranked.below_count + ranked.equal_count / 2.0) / ranked.peer_count
        end as sector_pctile,
        case
            when ranked.peer_count >= grade_config.min_peers then ranked.middle_value
        end as sector_median,
        case
            when ranked.peer_count >= grade_config.min_peers
                and ranked.middle_value > 0
                and ranked.metric_value > 0
                then ranked.metric_value / ranked.middle_value - 1
        end as premium_to_median_frac,
        ranked.as_of_ts,
        {{ model_version() }} as model_version
    from ranked
    cross join grade_config

    union all

    select
        asset_id,
        metric,
        day,
        sector,
        metric_value,
        peer_count,
        sector_pctile,
        sector_median,
        premium_to_median_frac,
        as_of_ts,
        {{ model_version() }} as model_version
    from multiple
)

select * from final
