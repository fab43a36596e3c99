{#-
    Candles of less than a day of one venue, in one shape for all venues.

    Arguments:
        relation: the history model.
        symbol: the column with the venue's name of the market.
        tells: what the venue tells beside the bar: vwap_quote, volume_quote, trade_count.
-#}
{% macro intraday_candle(relation, symbol, tells) -%}
with candle as (
    {{ latest_version(relation, ['series_id', 'open_time']) }}
),

final as (
    select
        series_id,
        {{ symbol }}{{ ' as symbol' if symbol != 'symbol' }},
        length_s,
        open_time as open_at,
        {{ utc_day('open_time') }} as day,
        open as open_quote,
        high as high_quote,
        low as low_quote,
        close as close_quote,
        {{ 'vwap' if 'vwap_quote' in tells else 'cast(null as decimal(38, 18))' }} as vwap_quote,
        volume_base,
        {{ 'volume_quote' if 'volume_quote' in tells else 'cast(null as decimal(38, 18)) as volume_quote' }},
        {{ 'trade_count' if 'trade_count' in tells else 'cast(null as bigint) as trade_count' }},
        known_at,
        first_known_at
    from candle
)

select * from final
{%- endmacro %}
