{#- The version of the formulas: raise it when a formula changes. Parameters have versions of their own. -#}
{% macro model_version() -%}
    1
{%- endmacro %}
