{{ config(materialized='replaced_view') }}

-- arithmetic, not a forecast: what the newest price and market cap would be at a multiple
with plan as (
    select * from {{ ref('risk_plan_daily') }}
    where mcap_usd > 0 and entry_usd is not null
    qualify day = max(day) over (partition by asset_id)
),

newest as (
    select max(day) as newest_day from {{ ref('risk_plan_daily') }}
),

listed as (
    select plan.*
    from plan
    inner join newest on plan.day = newest.newest_day
),

scenario as (
    select * from {{ ref('cfg_scenario') }}
    qualify version = max(version) over ()
),

ranked as (
    select
        *,
        row_number() over (order by mcap_usd desc, asset_id) as mcap_rank
    from listed
),

imagined as (
    select
        ranked.asset_id,
        ranked.day,
        scenario.scenario,
        scenario.multiple,
        ranked.entry_usd as close_usd,
        ranked.mcap_usd,
        ranked.mcap_rank,
        ranked.entry_usd * scenario.multiple as hypothetical_close_usd,
        ranked.mcap_usd * scenario.multiple as hypothetical_mcap_usd,
        ranked.as_of_ts
    from ranked
    cross join scenario
),

-- all others stay as they are
passed as (
    select
        imagined.asset_id,
        imagined.scenario,
        count(ranked.asset_id) as larger_count
    from imagined
    left join ranked
        on imagined.asset_id != ranked.asset_id
        and ranked.mcap_usd > imagined.hypothetical_mcap_usd
    group by imagined.asset_id, imagined.scenario
),

final as (
    select
        imagined.asset_id,
        imagined.scenario,
        imagined.day,
        imagined.multiple,
        imagined.close_usd,
        imagined.mcap_usd,
        imagined.mcap_rank,
        imagined.hypothetical_close_usd,
        imagined.hypothetical_mcap_usd,
        passed.larger_count + 1 as hypothetical_mcap_rank,
        true as is_hypothetical,
        imagined.as_of_ts,
        {{ model_version() }} as model_version
    from imagined
    inner join passed
        on imagined.asset_id = passed.asset_id
        and imagined.scenario = passed.scenario
)

select * from final
