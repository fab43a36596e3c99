{#-
    The version of the code that makes a mart (pipelines/publishing/provenance.py). Whoever starts dbt tells it: inside
    dbt nothing sees the text of macros, nor the modules that Python models import.
-#}
{% macro model_version(mart=none) -%}
    {%- set versions = fromjson(env_var('TOKENMART_MODEL_VERSIONS', '{}')) if execute else {} -%}
    {{ text_literal(versions.get(mart or this.name, 'unknown')) }}
{%- endmacro %}


{#- After each run: by which code the marts that stand in the warehouse were built. -#}
{% macro note_model_versions(results) -%}
    {% set marts = [] %}
    {% for result in results if execute and result.status == 'success' and result.node.resource_type == 'model' %}
        {% if result.node.fqn[1] == 'marts' %}{% do marts.append(result.node.name) %}{% endif %}
    {% endfor %}
    {% if marts %}
        create table if not exists history.built_mart (mart varchar not null, model_version varchar not null);

        delete from history.built_mart where mart in ('{{ marts | join("', '") }}');

        insert into history.built_mart values
        {% for mart in marts %}
            ({{ text_literal(mart) }}, {{ model_version(mart) }}){{ ',' if not loop.last }}
        {% endfor %}
    {% endif %}
{%- endmacro %}
