{#-
    Returns the values outside of the catalogue's bounds of the given severity, with their keys.

    collapse_explains: rows of an asset around its collapse are left out. What loses nearly all of its
    value leaves the bounds of the living by right (volatility, range over close, issuance), for as
    long as its windows hold the fall; jumps that nobody else saw are `unconfirmed`.
-#}
{% test catalogue_bounds(model, key, bound_severity, collapse_explains=false) %}

    {#- named here: the list of columns is empty while dbt looks for references -#}
    {% if collapse_explains %}
        {% set ops_config, returns_risk = ref('cfg_ops'), ref('returns_risk_daily') %}
    {% endif %}
    {% set checks = [] %}
    {% if execute %}
        {% for entry in catalogue_entries(model.identifier) %}
            {% if entry.facts.severity == bound_severity %}
                {% do checks.append(entry) %}
            {% endif %}
        {% endfor %}
    {% endif %}

    {% if checks %}
    -- the model is read once, whatever it is: a view is computed only once
    with outside as materialized (
        select {{ (key + checks | map(attribute='column_name') | reject('in', key) | list) | join(', ') }}
        from {{ model }}
        where false
            {% for entry in checks %}
                or {{ outside_bounds(entry) }}
            {% endfor %}
    ),

    {% if collapse_explains %}
    ops_config as (
        select * from {{ ops_config }}
        qualify row_number() over (order by version desc) = 1
    ),

    explained as (
        select
            returns_risk.asset_id,
            returns_risk.day - ops_config.collapse_before_d as first_day,
            returns_risk.day + ops_config.collapse_after_d as last_day
        from {{ returns_risk }} as returns_risk
        cross join ops_config
        where returns_risk.ret_30d <= ops_config.collapse_ret_30d
    ),

    broken as (
        select outside.*
        from outside
        where not exists (
            select 1
            from explained
            where explained.asset_id = outside.asset_id
                and outside.day between explained.first_day and explained.last_day
        )
    )
    {% else %}
    broken as (
        select * from outside
    )
    {% endif %}

    {% for entry in checks %}
        select
            {{ key | join(', ') }},
            '{{ entry.column_name }}' as column_name,
            cast({{ entry.column_name }} as double) as broken_value
        from broken
        where {{ outside_bounds(entry) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
    {% else %}
        select 1 as nothing_to_check where false
    {% endif %}

{% endtest %}
