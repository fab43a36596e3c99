{% set valuation_factors = ['pf', 'ps', 'mcap_tvl', 'nvt_signal', 'mvrv'] %}

with grade as (
    select * from {{ ref('int_investor_grade_daily') }}
),

trader as (
    select asset_id, day, trader_grade, is_composition_changed
    from {{ ref('int_trader_grade_daily') }}
),

market_cap as (
    select asset_id, day, mcap_usd, is_alt from {{ ref('int_asset_mcap_daily') }}
    where mcap_usd is not null
),

membership as (
    select asset_id, day, history_d from {{ ref('int_universe_membership_daily') }}
    where universe_id = 'core'
),

asset as (
    select asset_id, launch_day from {{ ref('int_asset_registry') }}
),

class_config as (
    select * from {{ ref('cfg_grade_class') }}
    qualify row_number() over (order by version desc) = 1
),

evidence as (
    select day, evidence from {{ ref('int_grade_evidence_daily') }}
    where grade = 'investor_grade'
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- among coins and tokens that are nobody else's money, by the market cap of the day itself
ranked as (
    select
        asset_id,
        day,
        row_number() over (partition by day order by mcap_usd desc, asset_id) as mcap_rank
    from market_cap
    where is_alt or asset_id = 'bitcoin'
),

described as (
    select
        grade.*,
        market_cap.mcap_usd as known_mcap_usd,
        ranked.mcap_rank,
        -- a network is as old as its launch where that is known, not as its first price here
        greatest(
            membership.history_d,
            coalesce({{ days_between('asset.launch_day', 'grade.day') }} + 1, 0)
        ) as age_d,
        trader.trader_grade,
        grade.is_composition_changed or trader.is_composition_changed as is_either_changed
    from grade
    left join asset on grade.asset_id = asset.asset_id
    left join trader
        on grade.asset_id = trader.asset_id
        and grade.day = trader.day
    left join market_cap
        on grade.asset_id = market_cap.asset_id
        and grade.day = market_cap.day
    left join ranked
        on grade.asset_id = ranked.asset_id
        and grade.day = ranked.day
    left join membership
        on grade.asset_id = membership.asset_id
        and grade.day = membership.day
),

final as (
    select
        described.asset_id,
        described.day,
        described.in_universe as is_in_universe,
        described.investor_grade,
        described.valuation_grade,
        described.growth_grade,
        described.tokenomics_grade,
        described.quality_grade,
        described.liquidity_grade,
        described.coverage_frac,
        cast(described.rank as bigint) as grade_rank,
        described.grade_change_1d,
        described.grade_change_7d,
        described.is_composition_changed,
        described.grade_signal,
        coalesce(described.momentum_label, 'none') as momentum_label,
        case
            {% for factor in valuation_factors %}
                when described.{{ factor }}_peer_scope = 'universe' then 'universe'
            {% endfor %}
            {% for factor in valuation_factors %}
                when described.{{ factor }}_peer_scope = 'sector' then 'sector'
            {% endfor %}
        end as peer_scope,
        case
            when not described.in_universe then null
            when described.sector = class_config.store_of_value_sector then 'store_of_value'
            when described.mcap_rank <= class_config.blue_chip_rank
                and described.age_d >= class_config.blue_chip_age_d
                then 'blue_chip'
            when described.coverage_frac < class_config.high_risk_coverage_frac
                or described.known_mcap_usd < class_config.high_risk_mcap_usd
                then 'high_risk'
            when described.known_mcap_usd < class_config.speculative_mcap_usd
                or described.age_d < class_config.speculative_age_d
                then 'speculative'
            when described.known_mcap_usd is not null then 'emerging'
        end as grade_class,
        described.trader_grade,
        case
            when not described.is_either_changed
                then described.investor_grade - described.trader_grade
        end as divergence,
        evidence.evidence,
        described.grade_version,
        described.weights_hash,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from described
    left join evidence on described.day = evidence.day
    cross join class_config
    cross join build_stamp
)

select * from final
order by asset_id, day
