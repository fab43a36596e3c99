with chain_day as (
    select * from {{ ref('int_stablecoin_chain_daily') }}
),

price as (
    select * from {{ ref('int_stablecoin_price_daily') }}
),

stablecoin_config as (
    select * from {{ ref('cfg_stablecoin') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- a share of a whole of which a part is missing would be too large
whole as (
    select
        stablecoin_id,
        day,
        {{ exact_sum('circulating_native') }} as circulating_native,
        count(missing_native) as missing_count
    from chain_day
    group by stablecoin_id, day
),

final as (
    select
        chain_day.stablecoin_id,
        chain_day.chain,
        chain_day.day,
        chain_day.circulating_native,
        chain_day.circulating_reported_native,
        chain_day.minted_native,
        chain_day.unreleased_native,
        chain_day.bridged_to_native,
        chain_day.circulating_native * price.price_usd as supply_usd,
        chain_day.circulating_native * price.peg_value_usd as supply_par_usd,
        case
            when whole.missing_count = 0 and whole.circulating_native > 0
                then chain_day.circulating_native / whole.circulating_native
        end as chain_share_frac,
        chain_day.missing_native is not null as is_missing,
        chain_day.is_quarantined,
        case
            when chain_day.circulating_reported_native is null then null
            when chain_day.first_known_at
                <= {{ day_start('chain_day.day + 1 + stablecoin_config.captured_within_d') }}
                then 'captured'
            else 'assumed'
        end as pit_basis,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from chain_day
    cross join stablecoin_config
    cross join build_stamp
    inner join whole
        on chain_day.stablecoin_id = whole.stablecoin_id
        and chain_day.day = whole.day
    left join price
        on chain_day.stablecoin_id = price.stablecoin_id
        and chain_day.day = price.day
)

select * from final
order by stablecoin_id, chain, day
