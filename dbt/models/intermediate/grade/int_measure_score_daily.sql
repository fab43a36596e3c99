{{ config(materialized='replaced_view') }}

-- everything that claims to say something about what comes, among the members of the day
with grade as (
    select * from {{ ref('int_trader_grade_daily') }}
    where in_universe
),

trend as (
    select * from {{ ref('int_trend_score_daily') }}
),

investor as (
    select * from {{ ref('int_investor_grade_daily') }}
    where in_universe
),

component as (
    select * from {{ ref('int_grade_component_daily') }}
),

signal as (
    select asset_id, day, signal from {{ ref('int_signal_daily') }}
),

trader as (
    select
        grade.*,
        trend.trend_score,
        trend.ta_grade,
        trend.quant_grade,
        trend.flow_grade
    from grade
    left join trend
        on grade.asset_id = trend.asset_id
        and grade.day = trend.day
),

final as (
    {% for relation, kind, names in [
        ('trader', 'grade', ['trader_grade', 'trend_score']),
        ('trader', 'group', [
            'calm_grade', 'attention_grade', 'seasoning_grade', 'ta_grade', 'quant_grade', 'flow_grade'
        ]),
        ('investor', 'grade', ['investor_grade']),
        ('investor', 'group', [
            'valuation_grade', 'growth_grade', 'tokenomics_grade', 'quality_grade',
            'liquidity_grade'
        ])
    ] %}
        {% for name in names %}
            select
                '{{ kind }}' as measure_kind,
                '{{ name }}' as measure,
                asset_id,
                day,
                {{ name }} as value
            from {{ relation }}
            where {{ name }} is not null

            union all
        {% endfor %}
    {% endfor %}

    -- as the grade uses it
    select
        'factor' as measure_kind,
        factor as measure,
        asset_id,
        day,
        score as value
    from component
    where weight_frac is not null

    union all

    select
        'signal' as measure_kind,
        'signal' as measure,
        signal.asset_id,
        signal.day,
        cast(signal.signal as double) as value
    from signal
    inner join trader
        on signal.asset_id = trader.asset_id
        and signal.day = trader.day
)

select * from final
