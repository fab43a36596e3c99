{#- E-18: nothing is known before it happened. Tombstones say when, not what: they are left out. -#}
{% test known_after(model, instant) %}

    select *, {{ instant }} as happened_at
    from {{ model }}
    where not is_deleted and known_at < {{ instant }}

{% endtest %}
