{#-
    Days and instants, where engines differ. Sessions run in UTC (profiles.yml), so a cast of an
    instant to a date is its UTC day.
-#}

{% macro utc_day(instant) -%}
    {{ return(adapter.dispatch('utc_day')(instant)) }}
{%- endmacro %}

{% macro default__utc_day(instant) -%}
    cast({{ instant }} as date)
{%- endmacro %}

{#- Of an instant's microseconds: DuckDB's cast asks its calendar for every row, at fifteen times the cost. -#}
{% macro duckdb__utc_day(instant) -%}
    cast(make_timestamp(epoch_us({{ instant }})) as date)
{%- endmacro %}


{#- The first instant of a UTC day. -#}
{% macro day_start(day) -%}
    {{ return(adapter.dispatch('day_start')(day)) }}
{%- endmacro %}

{% macro default__day_start(day) -%}
    cast({{ day }} as timestamp)
{%- endmacro %}

{% macro duckdb__day_start(day) -%}
    make_timestamptz({{ day_number(day) }} * 86400000000)
{%- endmacro %}


{#- Days since 1970-01-01: what frames of calendar days are counted in. -#}
{% macro day_number(day) -%}
    {{ return(adapter.dispatch('day_number')(day)) }}
{%- endmacro %}

{% macro default__day_number(day) -%}
    datediff({{ day }}, date '1970-01-01')
{%- endmacro %}

{% macro duckdb__day_number(day) -%}
    ({{ day }} - date '1970-01-01')
{%- endmacro %}


{#- Whole days from the first day to the second. -#}
{% macro days_between(first, second) -%}
    {{ return(adapter.dispatch('days_between')(first, second)) }}
{%- endmacro %}

{% macro default__days_between(first, second) -%}
    datediff({{ second }}, {{ first }})
{%- endmacro %}

{% macro duckdb__days_between(first, second) -%}
    ({{ second }} - {{ first }})
{%- endmacro %}


{#- Hours, with fraction, from the first instant to the second. -#}
{% macro hours_between(first, second) -%}
    {{ return(adapter.dispatch('hours_between')(first, second)) }}
{%- endmacro %}

{% macro default__hours_between(first, second) -%}
    (unix_timestamp({{ second }}) - unix_timestamp({{ first }})) / 3600.0
{%- endmacro %}

{% macro duckdb__hours_between(first, second) -%}
    (epoch({{ second }}) - epoch({{ first }})) / 3600.0
{%- endmacro %}


{#-
    One row per day of each interval of a relation: the columns given, and `day`.
    Both ends belong to the interval.
-#}
{% macro day_spine(relation, columns, first_day, last_day) -%}
    {{ return(adapter.dispatch('day_spine')(relation, columns, first_day, last_day)) }}
{%- endmacro %}

{% macro default__day_spine(relation, columns, first_day, last_day) %}
    select {{ columns | join(', ') }}, day
    from {{ relation }}
    lateral view explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) spine as day
{% endmacro %}

{% macro duckdb__day_spine(relation, columns, first_day, last_day) %}
    select
        {{ columns | join(', ') }},
        cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as day
    from {{ relation }}
{% endmacro %}
