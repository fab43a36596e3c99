{{ config(materialized='replaced_view') }}

-- two assets of a sector side by side; each ratio is of the two numbers beside it
with valuation as (
    select * from {{ ref('valuation_daily') }}
),

final as (
    select
        own.asset_id,
        peer.asset_id as peer_asset_id,
        own.day,
        own.sector,
        own.fees_7d_usd,
        peer.fees_7d_usd as peer_fees_7d_usd,
        case when peer.fees_7d_usd > 0 then own.fees_7d_usd / peer.fees_7d_usd end as fees_ratio_7d,
        own.mcap_usd,
        peer.mcap_usd as peer_mcap_usd,
        case when peer.mcap_usd > 0 then own.mcap_usd / peer.mcap_usd end as mcap_ratio,
        own.fdv_usd,
        peer.fdv_usd as peer_fdv_usd,
        case when peer.fdv_usd > 0 then own.fdv_usd / peer.fdv_usd end as fdv_ratio,
        own.tvl_usd,
        peer.tvl_usd as peer_tvl_usd,
        case when peer.tvl_usd > 0 then own.tvl_usd / peer.tvl_usd end as tvl_ratio,
        own.pf_circ_x,
        peer.pf_circ_x as peer_pf_circ_x,
        own.pf_fdv_x,
        peer.pf_fdv_x as peer_pf_fdv_x,
        own.ps_circ_x,
        peer.ps_circ_x as peer_ps_circ_x,
        own.mcap_tvl_x,
        peer.mcap_tvl_x as peer_mcap_tvl_x,
        own.as_of_ts,
        {{ model_version() }} as model_version
    from valuation as own
    inner join valuation as peer
        on own.sector = peer.sector
        and own.day = peer.day
        and own.asset_id != peer.asset_id
    where own.fees_7d_usd is not null or own.tvl_usd is not null
)

select * from final
