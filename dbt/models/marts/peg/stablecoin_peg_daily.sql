with peg as (
    select * from {{ ref('int_stablecoin_peg_daily') }}
),

spiral as (
    select * from {{ ref('int_stablecoin_spiral_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        peg.stablecoin_id,
        peg.day,
        peg.price_usd,
        peg.price_source,
        peg.ref_price_usd,
        peg.ref_source,
        peg.ref_day,
        peg.ref_age_h,
        peg.peg_value_usd,
        peg.dev_bps,
        peg.dev_low_bps,
        peg.dev_any_low_bps,
        peg.dev_vol_30d_bps,
        peg.time_off_peg_30d_frac,
        peg.volume_usd,
        peg.price_quality,
        peg.evidence,
        peg.reading_count,
        peg.reading_dev_bps,
        peg.is_eligible,
        spiral.reflexive_mint,
        spiral.backing_cover_x,
        spiral.death_spiral_flag,
        peg.pit_basis,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from peg
    cross join build_stamp
    left join spiral
        on peg.stablecoin_id = spiral.stablecoin_id
        and peg.day = spiral.day
)

select * from final
order by stablecoin_id, day
