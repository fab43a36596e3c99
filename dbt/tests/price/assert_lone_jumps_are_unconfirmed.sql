with price as (
    select * from {{ ref('price_daily') }}
    where close_usd is not null
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

token_event as (
    select * from {{ ref('int_token_event') }}
)

select
    today.asset_id,
    today.day,
    yesterday.close_usd as close_1d_ago_usd,
    today.close_usd,
    today.n_venues
from price as today
inner join price as yesterday
    on today.asset_id = yesterday.asset_id
    and today.day = yesterday.day + 1
cross join price_config
left join token_event
    on today.asset_id = token_event.asset_id
    and today.day = token_event.effective_day
where abs(ln(today.close_usd / yesterday.close_usd)) > ln(price_config.jump_single_venue_x)
    and today.evidence = 'single_venue'
    and today.price_quality != 'unconfirmed'
    -- the way back from an error is no jump
    and coalesce(today.prior_close_verdict, '') != 'refuted'
    and token_event.asset_id is null
