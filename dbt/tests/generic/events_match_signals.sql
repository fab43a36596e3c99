{#- Returns the events and the days without their counterpart. -#}
{% test events_match_signals(model, signals) %}

    with changed as (
        select asset_id, day, previous_signal, signal
        from (
            select
                asset_id,
                day,
                coalesce(lag(signal) over (partition by asset_id order by day), 0) as previous_signal,
                signal
            from {{ signals }}
        ) as followed
        where signal != previous_signal
    )

    select
        coalesce(event.asset_id, changed.asset_id) as asset_id,
        coalesce(event.day, changed.day) as day,
        event.from_signal,
        event.to_signal,
        changed.previous_signal,
        changed.signal
    from {{ model }} as event
    full outer join changed
        on event.asset_id = changed.asset_id
        and event.day = changed.day
        and event.from_signal = changed.previous_signal
        and event.to_signal = changed.signal
    where event.event_id is null or changed.asset_id is null

{% endtest %}
