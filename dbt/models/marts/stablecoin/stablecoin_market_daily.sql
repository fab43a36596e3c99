{% set so_far = 'partition by stablecoin_id order by day rows between unbounded preceding and current row' %}
{% set mechanisms = {
    'fiat': 'fiat', 'crypto_overcollateralised': 'crypto', 'algorithmic': 'algorithmic',
    'hybrid': 'hybrid', 'synthetic_delta_neutral': 'synthetic', 'commodity': 'commodity',
    'rwa_yield': 'rwa', 'cbdc': 'cbdc', 'unknown': 'unknown'
} %}

with supply as (
    select * from {{ ref('stablecoin_supply_daily') }}
),

registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

validity as (
    select * from {{ ref('int_stablecoin_interval') }}
),

transfer as (
    select * from {{ ref('int_stablecoin_transfer_daily') }}
),

bitcoin as (
    select * from {{ ref('int_asset_mcap_daily') }}
    where asset_id = 'bitcoin'
),

stablecoin_config as (
    select * from {{ ref('cfg_stablecoin') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

described as (
    select
        supply.stablecoin_id,
        supply.day,
        supply.supply_usd,
        supply.supply_par_usd,
        supply.net_mint_1d_usd,
        supply.net_mint_7d_usd,
        supply.net_mint_30d_usd,
        registry.peg_ref = 'USD' as is_dollar,
        coalesce(validity.mechanism, 'unknown') as mechanism,
        coalesce(registry.issuer, registry.stablecoin_id) as issuer,
        min(supply.day) over (partition by supply.stablecoin_id) as first_day
    from supply
    inner join registry on supply.stablecoin_id = registry.stablecoin_id
    left join validity
        on supply.stablecoin_id = validity.stablecoin_id
        and supply.day >= validity.valid_from
        and supply.day < coalesce(validity.valid_to, date '9999-12-31')
    where not registry.is_double_counted
),

remembered as (
    select
        *,
        {{ last_known('supply_par_usd', so_far) }} as supply_par_ffill_usd,
        {{ last_known('case when supply_par_usd is not null then day end', so_far) }} as supply_known_day
    from described
),

-- what a coin of which nothing is known today held when it was last heard of
weighed as (
    select
        remembered.*,
        case
            when remembered.day <= remembered.supply_known_day + stablecoin_config.supply_ttl_d
                then remembered.supply_par_ffill_usd
        end as weight_usd
    from remembered
    cross join stablecoin_config
),

dollar as (
    select
        day,
        count(supply_par_usd) as coin_count,
        {{ exact_sum('supply_usd') }} as known_usd,
        {{ exact_sum('supply_par_usd') }} as known_par_usd,
        {{ exact_sum('case when supply_usd is null then weight_usd end') }} as missing_usd,
        {{ exact_sum('case when supply_par_usd is null then weight_usd end') }} as missing_par_usd
        {% for n in [1, 7, 30] %}
            , {{ exact_sum('net_mint_' ~ n ~ 'd_usd') }} as net_mint_{{ n }}d_usd
            , {{ exact_sum(
                'case when net_mint_' ~ n ~ 'd_usd is null and first_day <= day - ' ~ n
                ~ ' then weight_usd end'
            ) }} as missing_mint_{{ n }}d_usd
        {% endfor %}
    from weighed
    where is_dollar
    group by day
),

issuer_day as (
    select
        weighed.day,
        weighed.issuer,
        {{ exact_sum('weighed.supply_par_usd') }} / max(dollar.known_par_usd) as share_frac
    from weighed
    inner join dollar on weighed.day = dollar.day
    where weighed.is_dollar and dollar.known_par_usd > 0
    group by weighed.day, weighed.issuer
),

issuer_concentration as (
    select day, {{ exact_sum('share_frac * share_frac') }} as hhi_issuer
    from issuer_day
    group by day
),

-- of all pegs: gold and euro have a mechanism too
value_day as (
    select
        day,
        mechanism,
        {{ exact_sum('coalesce(supply_usd, supply_par_usd)') }} as value_usd
    from weighed
    group by day, mechanism
),

mechanism_share as (
    select
        day,
        {{ exact_sum('value_usd') }} as value_usd
        {% for name, short in mechanisms.items() %}
            , {{ exact_sum("case when mechanism = '" ~ name ~ "' then value_usd end") }}
            as {{ short }}_usd
        {% endfor %}
    from value_day
    group by day
),

moved as (
    select
        transfer.day,
        {{ exact_sum('transfer.transfer_volume_adj_usd') }} as transfer_volume_adj_usd,
        -- of all that was moved, or of nothing
        case
            when count(weighed.supply_par_usd) = count(*)
                then {{ exact_sum('weighed.supply_par_usd') }}
        end as moved_supply_usd
    from transfer
    left join weighed
        on transfer.stablecoin_id = weighed.stablecoin_id
        and transfer.day = weighed.day
    group by transfer.day
),

totalled as (
    select
        dollar.day,
        dollar.coin_count,
        coalesce(dollar.missing_usd, 0) > 0 or coalesce(dollar.missing_par_usd, 0) > 0 as is_partial,
        {% for kind in ['usd', 'par_usd'] %}
            case
                when coalesce(dollar.missing_{{ kind }}, 0)
                    <= stablecoin_config.partial_max_share_frac
                    * (dollar.known_{{ kind }} + coalesce(dollar.missing_{{ kind }}, 0))
                    then dollar.known_{{ kind }}
            end as total_supply_{{ kind }},
        {% endfor %}
        {% for n in [1, 7, 30] %}
            case
                when coalesce(dollar.missing_mint_{{ n }}d_usd, 0)
                    <= stablecoin_config.partial_max_share_frac * dollar.known_par_usd
                    then dollar.net_mint_{{ n }}d_usd
            end as net_mint_{{ n }}d_usd,
        {% endfor %}
        moved.transfer_volume_adj_usd,
        moved.moved_supply_usd,
        bitcoin.mcap_usd as bitcoin_mcap_usd
    from dollar
    cross join stablecoin_config
    left join moved on dollar.day = moved.day
    left join bitcoin on dollar.day = bitcoin.day
),

rated as (
    select
        *,
        case when total_supply_usd > 0 then bitcoin_mcap_usd / total_supply_usd end as ssr
    from totalled
),

-- every coin's days have no gaps, but their union may
windowed as (
    select
        rated.*,
        avg(ssr) over past_200d as ssr_mean,
        stddev_samp(ssr) over past_200d as ssr_stdev,
        count(ssr) over past_200d as ssr_count,
        sum(transfer_volume_adj_usd) over past_30d as moved_30d_usd,
        avg(moved_supply_usd) over past_30d as moved_supply_30d_usd,
        count(transfer_volume_adj_usd) over past_30d as moved_count
    from rated
    window
        past_200d as ({{ days_back(199, 0) }}),
        past_30d as ({{ days_back(29, 0) }})
),

final as (
    select
        windowed.day,
        windowed.total_supply_usd,
        windowed.total_supply_par_usd,
        windowed.coin_count,
        windowed.net_mint_1d_usd,
        windowed.net_mint_7d_usd,
        windowed.net_mint_30d_usd,
        windowed.ssr,
        case
            when windowed.ssr_count >= stablecoin_config.ssr_min_obs and windowed.ssr_stdev > 1e-9
                then (windowed.ssr - windowed.ssr_mean) / windowed.ssr_stdev
        end as ssr_osc,
        case
            when windowed.total_supply_par_usd > 0
                then windowed.net_mint_30d_usd / windowed.total_supply_par_usd
        end as dry_powder_chg_30d,
        case
            when windowed.total_supply_par_usd is not null then issuer_concentration.hhi_issuer
        end as hhi_issuer,
        {% for short in mechanisms.values() %}
            case
                when mechanism_share.value_usd > 0
                    then coalesce(mechanism_share.{{ short }}_usd, 0) / mechanism_share.value_usd
            end as share_{{ short }}_frac,
        {% endfor %}
        windowed.transfer_volume_adj_usd,
        case
            when windowed.moved_count >= stablecoin_config.velocity_min_obs
                and windowed.moved_supply_30d_usd > 0
                then windowed.moved_30d_usd / windowed.moved_supply_30d_usd
        end as velocity_30d,
        windowed.is_partial,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from windowed
    cross join stablecoin_config
    cross join build_stamp
    left join issuer_concentration on windowed.day = issuer_concentration.day
    left join mechanism_share on windowed.day = mechanism_share.day
)

select * from final
order by day
