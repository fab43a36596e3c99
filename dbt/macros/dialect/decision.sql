{#- the instant from which a decision may rest on a day: some hours after the day's end. -#}
{% macro decidable_at(day, lag_h) -%}
    {{ return(adapter.dispatch('decidable_at')(day, lag_h)) }}
{%- endmacro %}

{% macro default__decidable_at(day, lag_h) -%}
    {{ day_start(day ~ ' + 1') }} + make_dt_interval(0, 0, 0, 3600 * {{ lag_h }})
{%- endmacro %}

{% macro duckdb__decidable_at(day, lag_h) -%}
    {{ day_start(day ~ ' + 1') }} + to_seconds(3600 * {{ lag_h }})
{%- endmacro %}


{#- Median distance from the median of a window, named in the query's `window` clause. -#}
{% macro median_deviation(value, window_name) -%}
    {{ return(adapter.dispatch('median_deviation')(value, window_name)) }}
{%- endmacro %}

{% macro default__median_deviation(value, window_name) -%}
    {{ exceptions.raise_compiler_error('median_deviation: this engine needs an implementation of its own') }}
{%- endmacro %}

{% macro duckdb__median_deviation(value, window_name) -%}
    mad({{ value }}) over {{ window_name }}
{%- endmacro %}


{#- From a median deviation to the standard deviation of a normal distribution: 1 / Φ⁻¹(3/4). -#}
{% macro normal_scale() -%}
    1.4826
{%- endmacro %}
