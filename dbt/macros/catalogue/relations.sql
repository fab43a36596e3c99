{#-
    `meta_relation`: the key of each mart, and each column that leads to another mart. Neither is typed
    twice: keys are the models' own (`meta.key`), and what leads where is what their quality suites test
    (`references`).
-#}
{% macro relation_rows() -%}
    {%- if not execute -%}
        select 1
    {%- else -%}
        {% set marts = {} %}
        {% for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | sort(attribute='name') if node.fqn[1] == 'marts' %}
            {% do marts.update({node.name: node}) %}
        {% endfor %}
        {% set relations = [] %}
        {% for name, node in marts.items() if node.config.meta.key is defined %}
            {% do relations.append({'mart': name, 'kind': 'primary', 'columns': node.config.meta.key | join(', ')}) %}
        {% endfor %}
        {% for test in graph.nodes.values() | selectattr('resource_type', 'equalto', 'test') | sort(attribute='name') %}
            {% set mart = (test.attached_node or '').split('.') | last %}
            {% if mart in marts and test.test_metadata.name == 'quality_suite' %}
                {% for column, other in test.test_metadata.kwargs.get('references', {}).items() %}
                    {% set referenced = modules.re.search("ref\\('(\\w+)'\\)", other.to).group(1) %}
                    {% if referenced in marts %}
                        {% do relations.append({
                            'mart': mart,
                            'kind': 'foreign',
                            'columns': column,
                            'referenced': referenced,
                            'field': other.field,
                            'is_unique': marts[referenced].config.meta.key == [other.field]
                        }) %}
                    {% endif %}
                {% endfor %}
            {% endif %}
        {% endfor %}
        {% for relation in relations %}
    select
        {{ text_literal(relation.mart) }} as mart,
        {{ text_literal(relation.kind) }} as relation_kind,
        {{ text_literal(relation.columns) }} as column_names,
        {{ text_literal(relation.referenced) }} as referenced_mart,
        {{ text_literal(relation.field) }} as referenced_column,
        {{ number_literal(relation.is_unique, 'boolean') }} as is_referenced_unique
            {% if not loop.last %}
    union all
            {% endif %}
        {% endfor %}
    {%- endif -%}
{%- endmacro %}
