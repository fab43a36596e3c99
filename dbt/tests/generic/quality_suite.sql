{#-
    Many rules in one scan of the model and one node of the run: a node of its own for each rule costs
    more than the rule. Returns the offending rows: the rule, the key, the value.

    key: the columns that tell rows apart: none of them NULL, no two rows share them.
    other_keys: further lists of columns (or expressions) that do the same.
    values: the allowed values of columns, NULL aside: {column: [value, …]}.
    references: columns that hold a key of another model, NULL aside: {column: {to: …, field: …}}.
    rules: identities and the like: {name: an expression that is true of every row}.
    instant: when the row's fact happened: nothing is known before. Tombstones say when, not
        what: they are left out.
    is_catalogued: a mart, whose numbers are finite and within the bounds of the catalogue that
        block.
-#}
{% test quality_suite(model, key, other_keys=[], values={}, references={}, rules={}, instant=none, is_catalogued=false) %}

    {% set found = [] %}
    {% for column, allowed in values.items() %}
        {% set literals = [] %}
        {% for value in allowed %}
            {% do literals.append(text_literal(value) if value is string else value | string) %}
        {% endfor %}
        {% do found.append({
            'rule': column ~ ' has an allowed value',
            'broken': column ~ ' not in (' ~ literals | join(', ') ~ ')',
            'value': column
        }) %}
    {% endfor %}
    {% for column, other in references.items() %}
        {% do found.append({
            'rule': column ~ ' is one of ' ~ other.to.identifier,
            'broken': column ~ ' is not null and not exists (select 1 from ' ~ other.to
                ~ ' as other where other.' ~ other.field ~ ' = checked.' ~ column ~ ')',
            'value': column
        }) %}
    {% endfor %}
    {% for name, expression in rules.items() %}
        {% do found.append({
            'rule': name, 'broken': 'not coalesce((' ~ expression ~ '), false)', 'value': 'null'
        }) %}
    {% endfor %}
    {% if instant is not none %}
        {% do found.append({
            'rule': 'known after it happened',
            'broken': 'not is_deleted and known_at < ' ~ instant,
            'value': 'known_at'
        }) %}
    {% endif %}
    {% if is_catalogued and execute %}
        {% for entry in catalogue_entries(model.identifier) %}
            {% if entry.data_type == 'double' %}
                {% do found.append({
                    'rule': entry.column_name ~ ' is finite',
                    'broken': entry.column_name ~ ' is not null and '
                        ~ finite(entry.column_name) ~ ' is null',
                    'value': entry.column_name
                }) %}
            {% endif %}
            {% if entry.facts.severity == 'block' %}
                {% do found.append({
                    'rule': entry.column_name ~ ' is within its bounds',
                    'broken': outside_bounds(entry) | trim,
                    'value': entry.column_name
                }) %}
            {% endif %}
        {% endfor %}
    {% endif %}

    {% set shown = key | join(', ') %}

    select
        'the key is whole and unique' as rule,
        {{ shown }},
        cast(count(*) as varchar) as broken_value
    from {{ model }}
    group by {{ shown }}
    having count(*) > 1{% for column in key %} or {{ column }} is null{% endfor %}

    {% for other in other_keys %}
    union all

    select
        {{ text_literal(other | join(', ') ~ ' are whole and unique') }} as rule,
        {{ shown }},
        concat_ws(', ', {{ other | join(', ') }}) as broken_value
    from {{ model }}
    qualify
        count(*) over (partition by {{ other | join(', ') }}) > 1
        {% for column in other %} or {{ column }} is null{% endfor %}
    {% endfor %}

    {% if found %}
    union all

    select *
    from (
        select
            unnest([
                {%- for one in found %}
                case when {{ one.broken }} then {{ text_literal(one.rule) }} end{{ ',' if not loop.last }}
                {%- endfor %}
            ]) as rule,
            {{ shown }},
            unnest([
                {%- for one in found %}
                cast({{ one.value }} as varchar){{ ',' if not loop.last }}
                {%- endfor %}
            ]) as broken_value
        from {{ model }} as checked
        where false
            {%- for one in found %}
            or ({{ one.broken }})
            {%- endfor %}
    ) as finding
    where rule is not null
    {% endif %}

{% endtest %}
