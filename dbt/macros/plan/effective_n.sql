{#-
    How many equal positions a set of positions is worth, 1 / sum of squared shares. The weights
    need not sum to 1: shares of their sum count. One position is worth 1, n equal ones n. Added up
    exactly, so that the order of the rows changes no bit.
-#}
{% macro effective_n(weight) -%}
    case
        when sum({{ exact(weight) }}) > 0
            then power(cast(sum({{ exact(weight) }}) as double), 2)
                / cast(sum({{ exact(weight) }} * {{ exact(weight) }}) as double)
    end
{%- endmacro %}
