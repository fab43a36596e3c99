{{ market_listing(
    ref('hist_bitstamp__market'),
    'market_symbol',
    is_trading="coalesce(trading, 'Enabled') = 'Enabled'",
    columns={
        'market_symbol': 'described.market_symbol',
        'base_code': 'described.base_currency',
        'quote_code': 'described.counter_currency',
        'market_kind': "coalesce(described.market_type, 'SPOT')",
        'status': "coalesce(described.trading, 'Enabled')"
    }
) }}
