{{ config(severity='warn') }}

with price as (
    select * from {{ ref('price_daily') }}
    where close_usd is not null
),

reference_price as (
    select * from {{ ref('int_reference_price_daily') }}
    where price_source like 'coinmetrics.%'
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

ranked as (
    select
        price.*,
        row_number() over (partition by day order by volume_usd desc, asset_id) as volume_rank
    from price
),

compared as (
    select
        ranked.asset_id,
        ranked.day,
        ranked.close_usd,
        reference_price.price_usd as reference_usd,
        1e4 * abs(ranked.close_usd / reference_price.price_usd - 1) as distance_bps,
        case
            when ranked.volume_rank <= 20 then price_config.reference_top_bps
            else price_config.reference_rest_bps
        end as allowed_bps
    from ranked
    inner join reference_price
        on ranked.asset_id = reference_price.asset_id
        and ranked.day = reference_price.day
    cross join price_config
)

select * from compared
where distance_bps > allowed_bps
