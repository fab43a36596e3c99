{{ market_listing(
    ref('hist_binance_futures__contract'),
    'symbol',
    is_trading="status = 'TRADING'",
    columns={
        'symbol': 'described.symbol',
        'base_code': 'described.base_asset',
        'quote_code': 'described.quote_asset',
        'settle_code': 'described.margin_asset',
        'contract_kind': 'described.contract_type',
        'status': 'described.status'
    }
) }}
