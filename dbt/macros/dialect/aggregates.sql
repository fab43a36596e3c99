{#-
    Aggregates whose spelling differs between engines, or whose result would depend on the order in
    which threads meet the rows.
-#}

{#-
    A sum of floating-point numbers whose result does not depend on the order in which threads meet
    the rows, so that rebuilding the warehouse gives the same bits: billionths are added up as
    integers, exactly. What has no place in 128 bits (1e29) is no amount: NULL.

    `exact` is one number in that form; to be added and compared, then brought back by `inexact`.
-#}
{% macro exact(value) -%}
    {{ return(adapter.dispatch('exact')(value)) }}
{%- endmacro %}

{% macro default__exact(value) -%}
    try_cast({{ value }} * 1e9 as decimal(38, 0))
{%- endmacro %}

{% macro duckdb__exact(value) -%}
    try_cast(round({{ value }} * 1e9) as hugeint)
{%- endmacro %}

{% macro inexact(value) -%}
    cast({{ value }} as double) / 1e9
{%- endmacro %}

{% macro exact_sum(value) -%}
    {{ inexact('sum(' ~ exact(value) ~ ')') }}
{%- endmacro %}


{#- The product of positive numbers, as a window function when `over` is given. -#}
{% macro product_of(value, over='') -%}
    {{ return(adapter.dispatch('product_of')(value, over)) }}
{%- endmacro %}

{% macro default__product_of(value, over) -%}
    exp(sum(ln({{ value }})) {{ over }})
{%- endmacro %}

{% macro duckdb__product_of(value, over) -%}
    product({{ value }}) {{ over }}
{%- endmacro %}


{#- The last value that is not NULL, up to and including the current row of the window. -#}
{% macro last_known(value, over) -%}
    {{ return(adapter.dispatch('last_known')(value, over)) }}
{%- endmacro %}

{% macro default__last_known(value, over) -%}
    last_value({{ value }}) ignore nulls over ({{ over }})
{%- endmacro %}

{% macro duckdb__last_known(value, over) -%}
    last_value({{ value }} ignore nulls) over ({{ over }})
{%- endmacro %}


{#- Texts joined in a fixed order. -#}
{% macro joined_text(value, separator, order_by) -%}
    {{ return(adapter.dispatch('joined_text')(value, separator, order_by)) }}
{%- endmacro %}

{% macro default__joined_text(value, separator, order_by) -%}
    listagg({{ value }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}

{% macro duckdb__joined_text(value, separator, order_by) -%}
    string_agg({{ value }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}


{#- NULL instead of NaN or an infinity: no mart carries them. -#}
{% macro finite(value) -%}
    {{ return(adapter.dispatch('finite')(value)) }}
{%- endmacro %}

{% macro default__finite(value) -%}
    case
        when not isnan({{ value }}) and abs({{ value }}) < double('infinity') then {{ value }}
    end
{%- endmacro %}

{% macro duckdb__finite(value) -%}
    case when isfinite({{ value }}) then {{ value }} end
{%- endmacro %}
