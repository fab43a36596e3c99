{{ config(materialized='replaced_view') }}

-- what the day's positions would make together, each sized by its plan and all within the limit
with plan as (
    select * from {{ ref('risk_plan_daily') }}
),

final as (
    select
        day,
        max(effective_day) as effective_day,
        cast(sum(case when signal = 1 then 1 else 0 end) as bigint) as long_count,
        cast(sum(case when signal = -1 then 1 else 0 end) as bigint) as short_count,
        cast(sum(
            case when signal != 0 and size_in_portfolio_frac is null then 1 else 0 end
        ) as bigint) as unsized_count,
        {{ exact_sum('case when signal != 0 then size_by_risk_frac end') }} as wanted_gross_frac,
        {{ exact_sum('size_in_portfolio_frac') }} as gross_frac,
        {{ exact_sum('case when signal = 1 then size_in_portfolio_frac end') }} as long_frac,
        {{ exact_sum('case when signal = -1 then size_in_portfolio_frac end') }} as short_frac,
        max(size_in_portfolio_frac) as largest_frac,
        {{ effective_n('size_in_portfolio_frac') }} as effective_n,
        max(as_of_ts) as as_of_ts,
        {{ model_version() }} as model_version
    from plan
    group by day
)

select * from final
