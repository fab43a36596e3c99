with
{% for venue in spot_venues() %}
    {{ venue.name }} as (
        {{ latest_version(
            ref('hist_' ~ venue.name ~ '__' ~ venue.candle ~ '_intraday'), ['series_id', 'open_time']
        ) }}
    ),

{% endfor %}
final as (
    {% for venue in spot_venues() %}
        select
            '{{ venue.name }}' as venue_id,
            series_id,
            {{ venue.symbol }}{{ ' as symbol' if venue.symbol != 'symbol' }},
            length_s,
            open_time as open_at,
            {{ utc_day('open_time') }} as day,
            {{ candle_columns(venue.tells) }},
            known_at,
            first_known_at
        from {{ venue.name }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
