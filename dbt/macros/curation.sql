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
