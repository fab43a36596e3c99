{#- Whether a text is one of the parts of a seed's comma-separated list. NULL is in no list. -#}
{% macro in_text_list(value, list) -%}
    coalesce(',' || {{ list }} || ',' like '%,' || {{ value }} || ',%', false)
{%- endmacro %}
