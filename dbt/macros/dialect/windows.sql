{#-
    Calendar windows: days back from the row's day, never rows back (C.0). `day` is the row's day.
-#}

{#- The frame of the n days that end with the row's day. -#}
{% macro last_days(n, partition_by) -%}
    partition by {{ partition_by }} order by day
    range between interval {{ n - 1 }} day preceding and current row
{%- endmacro %}


{#- The value exactly n days ago; NULL if that day has no row or no value. -#}
{% macro value_days_ago(value, n, partition_by) -%}
    max({{ value }}) over (
        partition by {{ partition_by }} order by day
        range between interval {{ n }} day preceding and interval {{ n }} day preceding
    )
{%- endmacro %}


{#-
    The basis of a row whose columns look n days back: captured only if every observation of those days
    is. NULL where the row itself has no value.
-#}
{% macro window_pit_basis(pit_basis, n, partition_by) -%}
    case
        when {{ pit_basis }} is null then null
        when count(case when {{ pit_basis }} = 'assumed' then 1 end)
            over ({{ last_days(n, partition_by) }}) > 0 then 'assumed'
        else 'captured'
    end
{%- endmacro %}
