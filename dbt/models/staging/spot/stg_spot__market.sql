-- candles are asked for by symbol: a market that gets another one keeps those of the old one
with
{% for venue in spot_venues() %}
    {{ venue.name }} as (
        {{ listing_of(
            ref('hist_' ~ venue.name ~ '__' ~ venue.listing), venue.listed_key,
            spelling=[venue.listed_symbol], is_live=venue.is_trading
        ) }}
    ),

{% endfor %}
final as (
    {% for venue in spot_venues() %}
        select
            '{{ venue.name }}' as venue_id,
            {{ venue.listed_symbol }}{{ ' as symbol' if venue.listed_symbol != 'symbol' }},
            {{ venue.base }} as base_code,
            {{ venue.quote }} as quote_code,
            is_live as is_trading,
            was_seen_live as was_seen_trading,
            gone_seen_at as halted_seen_at
        from {{ venue.name }}
        where {{ venue.is_spot }}
        -- two entries of one symbol do not occur; the one that trades would count
        qualify row_number() over (
            partition by {{ venue.listed_symbol }} order by is_live desc, {{ venue.listed_key | join(', ') }}
        ) = 1
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
