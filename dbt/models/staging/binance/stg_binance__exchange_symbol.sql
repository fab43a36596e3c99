{{ market_listing(
    ref('hist_binance__exchange_symbol'),
    'symbol',
    is_trading="status = 'TRADING' and coalesce(is_spot_trading_allowed, true)",
    columns={
        'symbol': 'described.symbol',
        'base_code': 'described.base_asset',
        'quote_code': 'described.quote_asset',
        'status': 'described.status'
    }
) }}
