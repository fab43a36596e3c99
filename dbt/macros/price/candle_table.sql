{#- SQL: the raw table in which a spot venue's daily candles are landed. -#}
{% macro candle_table(venue_id) -%}
    case {{ venue_id }}
        {% for venue in spot_venues() %}
            when '{{ venue.name }}' then '{{ venue.table }}'
        {% endfor %}
    end
{%- endmacro %}
