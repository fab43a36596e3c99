{#-
    Rows of optional Parquet files beside the seeds, with a declared shape: a column that the files
    lack is NULL, files that do not exist are no rows.

    `pattern` is a path or a pattern; '' means that the user gave none.
-#}
{% macro optional_parquet(pattern, columns) -%}
    {%- set present = [] -%}
    {%- if pattern and file_exists(pattern) -%}
        {%- set description = run_query("describe select * from read_parquet('" ~ pattern ~ "', union_by_name = true, hive_partitioning = false)") -%}
        {%- set present = description.columns[0].values() | list -%}
    {%- endif -%}
    select
        {% for name, type in columns.items() %}
            cast({{ adapter.quote(name) if name in present else 'null' }} as {{ type }}) as {{ adapter.quote(name) }}
            {{- ',' if not loop.last }}
        {% endfor %}
    {% if present %}
        from read_parquet('{{ pattern }}', union_by_name = true, hive_partitioning = false)
    {% else %}
        where false
    {% endif %}
{%- endmacro %}


{#- A table of the curation folder (a dataset folder, or one's own), '' when there is none. -#}
{% macro curation_pattern(table_name) -%}
    {%- set folder = env_var('TOKENMART_CURATION_DIR', '') -%}
    {%- if not folder -%}{{ return('') }}{%- endif -%}
    {%- set file = folder ~ '/' ~ table_name ~ '.parquet' -%}
    {{ return(file if file_exists(file) else folder ~ '/' ~ table_name ~ '/*.parquet') }}
{%- endmacro %}


{#- The instant that the build stands at; without any answer yet the end of time: seeds stand as they are. -#}
{% macro build_instant() -%}
    (select coalesce(max(as_of_ts), timestamptz '9999-12-31 00:00:00+00') from {{ ref('int_build_stamp') }})
{%- endmacro %}


{#-
    Whether a curated fact could be known by the build's instant: since `known_at`, and where nobody
    wrote that down, since it began. A build of May must not name what happened in November.
-#}
{% macro is_curated_known(from_day='valid_from') -%}
    coalesce(known_at, {{ day_start(from_day) }}) <= {{ build_instant() }}
{%- endmacro %}


{#- The day on which a curated fact ends, which is known when it has come. -#}
{% macro known_end(day) -%}
    case when {{ day_start(day) }} <= {{ build_instant() }} then {{ day }} end
{%- endmacro %}
