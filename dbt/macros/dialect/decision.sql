{#- C.0: the instant from which a decision may rest on a day: some hours after the day's end. -#}
{% macro decidable_at(day, lag_h) -%}
    {{ return(adapter.dispatch('decidable_at')(day, lag_h)) }}
{%- endmacro %}

{% macro default__decidable_at(day, lag_h) -%}
    {{ day_start(day ~ ' + 1') }} + make_dt_interval(0, 0, 0, 3600 * {{ lag_h }})
{%- endmacro %}

{% macro duckdb__decidable_at(day, lag_h) -%}
    {{ day_start(day ~ ' + 1') }} + to_seconds(3600 * {{ lag_h }})
{%- endmacro %}
