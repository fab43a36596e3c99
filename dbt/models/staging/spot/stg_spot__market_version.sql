with
{% for venue in spot_venues() %}
    {{ venue.name }} as (
        select * from {{ ref('hist_' ~ venue.name ~ '__' ~ venue.listing) }}
        where {{ is_known() }} and not is_deleted and {{ venue.is_spot }}
    ),

{% endfor %}
final as (
    {% for venue in spot_venues() %}
        select
            '{{ venue.name }}' as venue_id,
            {{ venue.listed_symbol }}{{ ' as symbol' if venue.listed_symbol != 'symbol' }},
            {{ venue.base }} as base_code,
            {{ venue.quote }} as quote_code,
            known_at,
            load_id
        from {{ venue.name }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
