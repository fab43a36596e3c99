{#- Returns the alerts that point to nothing; what is unconfirmed has no event yet. -#}
{% test alert_refs_exist(model, signals, depegs) %}

    with reference as (
        select 'signal_change' as kind, event_id as ref_id from {{ signals }}
        union
        select 'depeg_open' as kind, event_id as ref_id from {{ depegs }}
        union
        select 'depeg_close' as kind, event_id as ref_id from {{ depegs }} where change = 'close'
    )

    select alert.*
    from {{ model }} as alert
    left join reference
        on alert.kind = reference.kind
        and alert.ref_id = reference.ref_id
    where alert.kind in ('signal_change', 'depeg_open', 'depeg_close')
        and alert.is_confirmed
        and reference.ref_id is null

{% endtest %}
