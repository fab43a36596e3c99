with
{% for venue in spot_venues() %}
    {{ venue.name }}_latest as (
        {{ latest_version(ref('hist_' ~ venue.name ~ '__' ~ venue.candle), venue.key | map('tojson') | list) }}
    ),

    {{ venue.name }} as (
        {{ dated(venue.name ~ '_latest', 'open_time', venue.name, venue.table, series=venue.symbol) }}
    ),

{% endfor %}
final as (
    {% for venue in spot_venues() %}
        select
            '{{ venue.name }}' as venue_id,
            {{ venue.symbol }}{{ ' as symbol' if venue.symbol != 'symbol' }},
            day,
            {{ candle_columns(venue.tells) }},
            known_at,
            first_known_at
        from {{ venue.name }}
        where {{ is_of_a_day(venue.length, venue.day) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
