-- Kraken's codes for people (XBT, XDG) stand in wsname; base and quote have legacy prefixes
{{ market_listing(
    ref('hist_kraken__asset_pair'),
    'pair_id',
    is_trading="coalesce(status, 'online') in ('online', 'limit_only', 'post_only', 'reduce_only')",
    columns={
        'pair_id': 'described.pair_id',
        'altname': 'described.altname',
        'base_code': "coalesce(split_part(described.wsname, '/', 1), described.base)",
        'quote_code': "coalesce(split_part(described.wsname, '/', 2), described.quote)",
        'status': 'described.status'
    }
) }}
