{#- The condition that a row of a table of several lengths is of a day; true where all rows are. -#}
{% macro is_of_a_day(length, day) -%}
    {%- if length -%}
        {{ adapter.quote(length) }} = {{ "'" ~ day ~ "'" if day is string else day }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
