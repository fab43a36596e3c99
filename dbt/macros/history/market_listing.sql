{#-
    A venue's list of markets with what its versions say about trading.

    Arguments:
        relation: a history model of a snapshot.
        key: the venue's id of a market: a column, or a list of columns.
        is_trading: SQL that is true for a version in which the market trades.
        columns: mapping of column names to SQL over a version.

    Columns: those given, and
        is_trading         the newest version trades (a market that left the list does not)
        was_seen_trading   some version traded
        halted_seen_at     when it was first seen not to trade any more; NULL while it trades
-#}
{% macro market_listing(relation, key, is_trading, columns) %}
    {%- set keys = [key] if key is string else key -%}
    {%- set key_list = keys | join(', ') -%}
    with version as (
        select *, not is_deleted and coalesce({{ is_trading }}, false) as trades
        from {{ relation }}
        where {{ is_known() }}
    ),

    trading as (
        select {{ key_list }}, max(known_at) as last_seen_trading_at
        from version
        where trades
        group by {{ key_list }}
    ),

    halted as (
        select {{ key_list }}, min(version.known_at) as halted_seen_at
        from version
        left join trading using ({{ key_list }})
        where not version.trades
            and (
                trading.last_seen_trading_at is null
                or version.known_at > trading.last_seen_trading_at
            )
        group by {{ key_list }}
    ),

    -- a market that left the list keeps the description it had
    described as (
        select *
        from version
        where not is_deleted
        qualify row_number() over (partition by {{ key_list }} order by known_at desc, load_id desc) = 1
    ),

    final as (
        select
            {% for name, expression in columns.items() %}
                {{ expression }} as {{ name }},
            {% endfor %}
            halted.halted_seen_at is null as is_trading,
            trading.last_seen_trading_at is not null as was_seen_trading,
            halted.halted_seen_at
        from described
        left join trading using ({{ key_list }})
        left join halted using ({{ key_list }})
    )

    select * from final
{% endmacro %}
