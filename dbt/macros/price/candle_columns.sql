{#-
    The columns of a venue's candle in the shape that all venues' have.

    Argument: what the venue tells beside the bar: vwap, volume_quote, trade_count.
-#}
{% macro candle_columns(tells) -%}
    open as open_quote,
    high as high_quote,
    low as low_quote,
    close as close_quote,
    {{ 'vwap' if 'vwap' in tells else 'cast(null as decimal(38, 18))' }} as vwap_quote,
    volume_base,
    {{ 'volume_quote' if 'volume_quote' in tells else 'cast(null as decimal(38, 18)) as volume_quote' }},
    {{ 'trade_count' if 'trade_count' in tells else 'cast(null as bigint) as trade_count' }}
{%- endmacro %}
