{% set before = 'partition by asset_return.asset_id order by asset_return.day rows between unbounded preceding and 1 preceding' -%}
-- How far a close lies from the last one before it, and from how far on that is news. What is usual
-- is what was usual the day before: on the day of a crash the deviation contains the crash. After
-- days without a price the move is that over all of them, for a halt does not make a fall smaller.
with asset_return as (
    select * from {{ ref('int_asset_return_daily') }}
),

risk as (
    select asset_id, day, vol_30d_ann from {{ ref('int_asset_risk_daily') }}
),

alert_config as (
    select * from {{ ref('cfg_alert') }}
    qualify row_number() over (order by version desc) = 1
),

preceded as (
    select
        asset_return.asset_id,
        asset_return.day,
        asset_return.adjusted_close_usd,
        not asset_return.is_unconfirmed as is_confirmed,
        {{ last_known('asset_return.earlier_close_usd', before) }} as before_usd,
        max(case when asset_return.earlier_close_usd is not null then asset_return.day end)
            over ({{ before }}) as before_day,
        {{ last_known('risk.vol_30d_ann', before) }} as vol_before_ann
    from asset_return
    left join risk
        on asset_return.asset_id = risk.asset_id
        and asset_return.day = risk.day
),

moved as (
    select
        preceded.*,
        preceded.adjusted_close_usd / preceded.before_usd - 1 as move_frac,
        -- of logarithms: after a crash three deviations are more than all that can be lost
        alert_config.move_sigmas
        * coalesce(preceded.vol_before_ann / sqrt(365), alert_config.move_unknown_sigma_1d)
        as threshold_log,
        alert_config.move_min_frac,
        alert_config.move_always_frac
    from preceded
    cross join alert_config
    where preceded.adjusted_close_usd > 0
        and preceded.before_usd > 0
),

final as (
    select
        asset_id,
        day,
        before_day,
        move_frac,
        -- in the days after a crash a quarter more would be usual, and is news all the same
        least(
            greatest(abs(exp(sign(move_frac) * threshold_log) - 1), move_min_frac),
            move_always_frac
        ) as threshold_frac,
        is_confirmed
    from moved
)

select * from final
