{{ history_of('coinbase', 'products', key=['product_id']) }}
