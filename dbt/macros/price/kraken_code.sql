{#-
    Kraken's code for people of a pair's base (1) or quote (2): it stands in wsname (XBT/USD), while
    base and quote have legacy prefixes (XXBT, ZUSD).
-#}
{% macro kraken_code(position) -%}
    coalesce(split_part(wsname, '/', {{ position }}), {{ {1: 'base', 2: 'quote'}[position] }})
{%- endmacro %}
