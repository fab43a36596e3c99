-- what the sizes of coins returned. Who is in which bucket, and at what weight, is decided by the
-- market caps of the day before.
with asset_mcap as (
    select asset_id, day, mcap_usd from {{ ref('int_asset_mcap_daily') }}
    where mcap_usd > 0 and (is_alt or asset_id = 'bitcoin')
),

total as (
    select day from {{ ref('int_market_total_daily') }}
    where total_mcap_usd is not null
),

asset_return as (
    select asset_id, day, exp(logret_1d) - 1 as ret_1d from {{ ref('int_asset_return_daily') }}
    where logret_1d is not null
),

regime_config as (
    select * from {{ ref('cfg_regime') }}
    qualify row_number() over (order by version desc) = 1
),

-- where few are covered, a rank says nothing about size
market_cap as (
    select asset_mcap.*
    from asset_mcap
    left join total on asset_mcap.day = total.day
    where total.day is not null or asset_mcap.asset_id = 'bitcoin'
),

-- bitcoin is a bucket of its own whatever its rank; the others' ranks begin at 2
ranked as (
    select
        asset_id,
        day + 1 as day,
        mcap_usd as mcap_1_usd,
        case
            when asset_id = 'bitcoin' then 1
            else
                1 + row_number() over (
                    partition by day, asset_id = 'bitcoin' order by mcap_usd desc, asset_id
                )
        end as mcap_rank
    from market_cap
),

bucketed as (
    select
        ranked.asset_id,
        ranked.day,
        ranked.mcap_1_usd,
        case
            when ranked.mcap_rank = 1 then 'btc'
            when ranked.mcap_rank <= regime_config.large_last_rank then 'large'
            when ranked.mcap_rank <= regime_config.mid_last_rank then 'mid'
            when ranked.mcap_rank <= regime_config.small_last_rank then 'small'
        end as bucket,
        regime_config.bucket_min_members
    from ranked
    cross join regime_config
),

returned as (
    select
        bucketed.bucket,
        bucketed.day,
        max(bucketed.bucket_min_members) as bucket_min_members,
        count(*) as member_count,
        {{ exact_sum('bucketed.mcap_1_usd * asset_return.ret_1d') }} as gain_usd,
        {{ exact_sum('bucketed.mcap_1_usd') }} as held_usd
    from bucketed
    inner join asset_return
        on bucketed.asset_id = asset_return.asset_id
        and bucketed.day = asset_return.day
    where bucketed.bucket is not null
    group by bucketed.bucket, bucketed.day
),

judged as (
    select
        bucket,
        day,
        member_count,
        case
            when bucket = 'btc' or member_count >= bucket_min_members then gain_usd / held_usd
        end as bucket_ret_1d
    from returned
),

final as (
    select
        bucket,
        day,
        member_count,
        bucket_ret_1d,
        -- a month is held day by day; one unknown day makes it unknown
        case
            when count(bucket_ret_1d) over past_30d = 30
                then {{ product_of('1 + bucket_ret_1d', 'over past_30d') }} - 1
        end as ret_30d
    from judged
    window past_30d as ({{ last_days(30, 'bucket') }})
)

select * from final
