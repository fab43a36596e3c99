{{ config(severity='warn') }}

select asset_id, day, close_usd, n_venues
from {{ ref('price_daily') }}
where is_stale and n_venues <= 1
