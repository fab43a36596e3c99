{{ market_listing(
    ref('hist_coinbase__product'),
    'product_id',
    is_trading="status = 'online' and not coalesce(trading_disabled, false)",
    columns={
        'product_id': 'described.product_id',
        'base_code': 'described.base_currency',
        'quote_code': 'described.quote_currency',
        'status': 'described.status'
    }
) }}
