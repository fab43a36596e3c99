{#-
For models that ask for it (dbt_project.yml). dbt's own materialisations build beside, rename twice and drop: six statements, each through its own
macros, which cost more than most of our queries. A DuckDB transaction does it in two: what stood
there goes and what is new comes at the same commit, and a failed model leaves what stood there.
-#}
{% materialization replaced_table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- if model['language'] == 'python' -%}
        {#- it writes through a connection of its own, which cannot see what this one has not committed -#}
        {%- set beside = make_intermediate_relation(target_relation) -%}
        {%- do drop_relation_if_exists(load_cached_relation(beside)) -%}
        {%- call statement('main', language='python') -%}
            {{- create_table_as(false, beside, compiled_code, 'python') }}
        {%- endcall -%}
        {%- do clear_the_way() -%}
        {%- call statement('put') -%}
            alter table {{ beside }} rename to {{ adapter.quote(target_relation.identifier) }}
        {%- endcall -%}
    {%- else -%}
        {%- do clear_the_way() -%}
        {%- call statement('main') -%}
            {{- create_table_as(false, target_relation, compiled_code) }}
        {%- endcall -%}
    {%- endif -%}
    {{ return(committed(target_relation)) }}
{% endmaterialization %}


{% materialization replaced_view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- do clear_the_way() -%}
    {%- call statement('main') -%}
        {{- get_create_view_as_sql(target_relation, sql) }}
    {%- endcall -%}
    {{ return(committed(target_relation)) }}
{% endmaterialization %}


{#- Open the transaction and drop what stands where the model is to stand, whatever its type. -#}
{% macro clear_the_way() %}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- if existing_relation is not none -%}
        {%- call statement('clear') -%}
            drop {{ existing_relation.type }} if exists {{ existing_relation }}
        {%- endcall -%}
    {%- endif -%}
{% endmacro %}


{% macro committed(relation) %}
    {%- if config.persist_relation_docs() and model.description -%}
        {%- do run_query(alter_relation_comment(relation, model.description)) -%}
    {%- endif -%}
    {%- if config.persist_column_docs() and model.columns -%}
        {%- do run_query(comments_on_columns(relation, model.columns)) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [relation]}) }}
{% endmacro %}


{#- dbt-duckdb asks the database for the columns first; a contract has just compared them. -#}
{% macro comments_on_columns(relation, columns) %}
    {% for name, column in columns.items() %}
        comment on column {{ relation }}.{{ adapter.quote(name) }}
            is {{ duckdb_escape_comment(column['description']) }};
    {% endfor %}
{% endmacro %}
