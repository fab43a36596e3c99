-- of a swap OKX names the currencies in the family alone
{{ market_listing(
    ref('hist_okx__instrument'),
    ['inst_type', 'inst_id'],
    is_trading="state = 'live'",
    columns={
        'inst_type': 'described.inst_type',
        'inst_id': 'described.inst_id',
        'base_code': "coalesce(described.base_ccy, split_part(described.inst_family, '-', 1))",
        'quote_code': "coalesce(described.quote_ccy, split_part(described.inst_family, '-', 2))",
        'settle_code': 'described.settle_ccy',
        'contract_kind': 'described.contract_type',
        'contract_size': 'described.contract_value',
        'contract_size_code': 'described.contract_value_ccy',
        'status': 'described.state'
    }
) }}
