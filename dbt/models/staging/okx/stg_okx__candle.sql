with candle as (
    {{ latest_version(ref('hist_okx__candle'), ['inst_id', 'bar', 'open_time']) }}
),

final as (
    select
        inst_id,
        {{ utc_day('open_time') }} as day,
        open as open_quote,
        high as high_quote,
        low as low_quote,
        close as close_quote,
        volume_base,
        volume_quote,
        known_at,
        first_known_at
    from candle
    where bar = '1Dutc'
)

select * from final
