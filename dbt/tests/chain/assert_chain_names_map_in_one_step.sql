select other_name.chain_key, other_name.chain_id
from {{ ref('map_chain_key') }} as other_name
inner join {{ ref('map_chain_key') }} as next_name
    on {{ bare_name('other_name.chain_id') }} = {{ bare_name('next_name.chain_key') }}
