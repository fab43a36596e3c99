with network as (
    select * from {{ ref('int_network_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        network.asset_id,
        network.day,
        network.price_usd as network_price_usd,
        network.price_basis as network_price_basis,
        network.supply_native as supply_onchain_native,
        network.supply_source as supply_onchain_source,
        network.mcap_usd as mcap_onchain_usd,
        network.active_address_count,
        network.active_address_30d_mean,
        network.tx_count,
        network.transfer_count,
        network.transfer_value_adj_usd,
        network.fee_native,
        network.hash_rate_ths,
        network.issuance_native,
        network.issuance_usd,
        network.issuance_ann_frac,
        network.realised_cap_usd,
        network.mvrv_x,
        network.mvrv_z,
        network.nvt_x,
        network.nvt_signal_x,
        network.thermocap_usd,
        network.thermocap_multiple,
        network.puell_x,
        network.metcalfe_k,
        network.metcalfe_ratio,
        network.nvm_ratio,
        network.pit_basis,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from network
    cross join build_stamp
)

select * from final
order by asset_id, day
