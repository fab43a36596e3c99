{{ market_listing(
    ref('hist_bybit__instrument'),
    ['category', 'symbol'],
    is_trading="status = 'Trading'",
    columns={
        'category': 'described.category',
        'symbol': 'described.symbol',
        'base_code': 'described.base_coin',
        'quote_code': 'described.quote_coin',
        'settle_code': 'described.settle_coin',
        'contract_kind': 'described.contract_type',
        'status': 'described.status'
    }
) }}
