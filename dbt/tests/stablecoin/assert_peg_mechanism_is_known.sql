{{ config(severity='warn') }}

select stablecoin_id, defillama_id, peg_mechanism, peg_type
from {{ ref('int_stablecoin_registry') }}
where mechanism is null or peg_ref is null
