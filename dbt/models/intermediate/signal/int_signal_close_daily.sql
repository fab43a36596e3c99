{{ config(materialized='replaced_view') }}

-- signals next to what one original unit was worth; nothing once the asset is dead
with signal as (
    select * from {{ ref('int_signal_daily') }}
),

input as (
    select asset_id, day, is_dead from {{ ref('int_signal_input_daily') }}
),

bar as (
    select asset_id, day, close_usd from {{ ref('int_asset_bar_daily') }}
),

final as (
    select
        signal.asset_id,
        signal.day,
        signal.signal,
        case when coalesce(input.is_dead, false) then 0 else bar.close_usd end as close_usd
    from signal
    left join input
        on signal.asset_id = input.asset_id
        and signal.day = input.day
    left join bar
        on signal.asset_id = bar.asset_id
        and signal.day = bar.day
)

select * from final
