{#-
    Aggregates whose spelling differs between engines, or whose result would depend on the order in
    which threads meet the rows.
-#}

{#-
    A sum of floating-point numbers whose result does not depend on the order in which threads meet
    the rows, so that rebuilding the warehouse gives the same bits: the addition is done in decimals,
    exactly. Good for 26 digits before and 12 after the point; what is larger is no amount and NULL.
-#}
{% macro exact(value) -%}
    try_cast({{ value }} as decimal(38, 12))
{%- endmacro %}

{% macro exact_sum(value, over='') -%}
    cast(sum({{ exact(value) }}) {{ over }} as double)
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
