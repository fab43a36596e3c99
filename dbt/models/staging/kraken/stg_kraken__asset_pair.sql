-- Candles are asked for by altname: a pair that gets another one keeps those of the old one.
with pair as (
    {{ listing_of(
        ref('hist_kraken__asset_pair'), ['pair_id'], spelling=['altname'],
        is_live="coalesce(status, 'online') in ('online', 'limit_only', 'post_only', 'reduce_only')"
    ) }}
),

final as (
    select
        pair_id,
        altname,
        {{ kraken_code(1) }} as base_code,
        {{ kraken_code(2) }} as quote_code,
        status,
        true as is_spot,
        is_live as is_trading,
        was_seen_live as was_seen_trading,
        gone_seen_at as halted_seen_at
    from pair
    -- two internal names of one altname do not occur; the newest would be the one that trades
    qualify row_number() over (partition by altname order by is_live desc, pair_id) = 1
)

select * from final
