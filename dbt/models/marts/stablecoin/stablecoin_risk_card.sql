{{ config(materialized='replaced_view') }}

-- what is known of a coin's risks, on one card
with stablecoin as (
    select * from {{ ref('dim_stablecoin') }}
    where is_current
),

peg as (
    select * from {{ ref('stablecoin_peg_daily') }}
),

supply as (
    select * from {{ ref('stablecoin_supply_daily') }}
),

depeg as (
    select * from {{ ref('depeg_event') }}
),

newest as (
    select max(day) as day from peg
),

last_peg as (
    select * from peg
    qualify row_number() over (partition by stablecoin_id order by day desc) = 1
),

last_supply as (
    select * from supply
    where supply_par_usd is not null or supply_usd is not null
    qualify row_number() over (partition by stablecoin_id order by day desc) = 1
),

depeg_sum as (
    select
        stablecoin_id,
        count(*) as depeg_count,
        sum(case when severity = 'severe' then 1 else 0 end) as depeg_severe_count,
        max(case when event_state = 'open' then 1 else 0 end) = 1 as is_depeg_open,
        max_by(worst_bps, abs(worst_bps)) as worst_bps,
        max(last_day_off) as last_day_off
    from depeg
    group by stablecoin_id
),

peg_sum as (
    select
        stablecoin_id,
        count(dev_bps) as dev_count,
        -- on a day without a fixing nobody can say how far gold and foreign money are off
        max_by(dev_bps, abs(dev_bps)) filter (where is_eligible is not null) as worst_dev_bps,
        sum(case when death_spiral_flag then 1 else 0 end) as death_spiral_day_count,
        count(death_spiral_flag) as death_spiral_known_count
    from peg
    group by stablecoin_id
),

final as (
    select
        stablecoin.stablecoin_id,
        stablecoin.symbol,
        stablecoin.name,
        stablecoin.mechanism,
        stablecoin.peg_ref,
        stablecoin.is_rebasing,
        stablecoin.is_yield_bearing,
        stablecoin.backing_asset_id,
        stablecoin.issuer,
        stablecoin.can_freeze,
        stablecoin.dead_from,
        last_peg.day,
        last_peg.price_usd,
        last_peg.dev_bps,
        last_peg.dev_vol_30d_bps,
        last_peg.time_off_peg_30d_frac,
        last_supply.supply_usd,
        last_supply.supply_par_usd,
        last_supply.supply_rank,
        last_supply.share_frac,
        last_supply.chain_count,
        last_supply.hhi_chain,
        case when peg_sum.dev_count > 0 then coalesce(depeg_sum.depeg_count, 0) end as depeg_count,
        case
            when peg_sum.dev_count > 0 then cast(coalesce(depeg_sum.depeg_severe_count, 0) as bigint)
        end as depeg_severe_count,
        case
            when peg_sum.dev_count > 0 then coalesce(depeg_sum.is_depeg_open, false)
        end as is_depeg_open,
        depeg_sum.worst_bps,
        peg_sum.worst_dev_bps,
        depeg_sum.last_day_off,
        case
            when peg_sum.death_spiral_known_count > 0 then cast(peg_sum.death_spiral_day_count as bigint)
        end as death_spiral_day_count,
        stablecoin.attestation_url,
        stablecoin.last_attestation_day,
        case
            when stablecoin.last_attestation_day <= newest.day
                then cast({{ days_between('stablecoin.last_attestation_day', 'newest.day') }} as bigint)
        end as attestation_age_d,
        last_peg.as_of_ts,
        {{ model_version() }} as model_version
    from stablecoin
    left join last_peg on stablecoin.stablecoin_id = last_peg.stablecoin_id
    left join last_supply on stablecoin.stablecoin_id = last_supply.stablecoin_id
    left join depeg_sum on stablecoin.stablecoin_id = depeg_sum.stablecoin_id
    left join peg_sum on stablecoin.stablecoin_id = peg_sum.stablecoin_id
    -- last: DuckDB keeps a cross join of a view as a comma, which binds less than the joins above
    cross join newest
)

select * from final
