-- what DefiLlama's charts say is on each chain, beside what its coins say one by one
with chart as (
    {{ by_chain(ref('stg_defillama_stablecoins__chart'), ['peg_type', 'day']) }}
),

peg_type as (
    select * from {{ ref('map_peg_type') }}
),

final as (
    select
        chart.chain_id as chain,
        peg_type.peg_ref,
        chart.day,
        cast(chart.circulating_native as double) as circulating_native,
        cast(chart.circulating_usd as double) as circulating_usd
    from chart
    inner join peg_type on chart.peg_type = peg_type.source_value
)

select * from final
