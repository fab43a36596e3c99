{#- A name without what spellings differ by: case, blanks, signs. `op_bnb` and `opBNB` are one. -#}
{% macro bare_name(name) -%}
    {{ return(adapter.dispatch('bare_name')(name)) }}
{%- endmacro %}

{% macro default__bare_name(name) -%}
    regexp_replace(lower({{ name }}), '[^a-z0-9]', '')
{%- endmacro %}

{% macro duckdb__bare_name(name) -%}
    regexp_replace(lower({{ name }}), '[^a-z0-9]', '', 'g')
{%- endmacro %}

{#- A number as people write it: so many digits after the point, and no zero with a sign. -#}
{% macro in_digits(number, digits) -%}
    cast(cast({{ number }} as decimal(38, {{ digits }})) as varchar)
{%- endmacro %}

{#- The side that a signal takes, as traders call it. -#}
{% macro side_of(signal) -%}
    case {{ signal }} when 1 then 'long' when -1 then 'short' else 'flat' end
{%- endmacro %}
