{#-
    Calendar windows: days back from the row's day, never rows back. `day` is the row's day.
-#}

{#-
    The frame from `first` days before the row's day ('unbounded': from the first) to `last` days before
    it (0: the row's day). Days are counted as integers: a frame of intervals costs DuckDB three times
    as much, and other engines know none.
-#}
{% macro days_back(first, last, partition_by=none, day='day') -%}
    {% if partition_by is not none %}partition by {{ partition_by }} {% endif -%}
    order by {{ day_number(day) }}
    range between {{ first }} preceding and
    {{ 'current row' if last == 0 else last ~ ' preceding' }}
{%- endmacro %}


{#- The frame of the n days that end with the row's day. -#}
{% macro last_days(n, partition_by, day='day') -%}
    {{ days_back(n - 1, 0, partition_by, day) }}
{%- endmacro %}


{#- The value exactly n days ago; NULL if that day has no row or no value. -#}
{% macro value_days_ago(value, n, partition_by) -%}
    max({{ value }}) over ({{ days_back(n, n, partition_by) }})
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
