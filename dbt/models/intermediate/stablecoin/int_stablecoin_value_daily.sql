with supply as (
    select * from {{ ref('int_stablecoin_supply_daily') }}
),

price as (
    select * from {{ ref('int_stablecoin_price_daily') }}
),

registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

valued as (
    select
        supply.*,
        registry.peg_ref = 'USD' and not registry.is_double_counted as is_counted,
        registry.is_rebasing,
        price.price_usd,
        price.price_source,
        price.peg_value_usd,
        supply.circulating_native * price.price_usd as supply_usd,
        supply.circulating_native * price.peg_value_usd as supply_par_usd
    from supply
    inner join registry on supply.stablecoin_id = registry.stablecoin_id
    left join price
        on supply.stablecoin_id = price.stablecoin_id
        and supply.day = price.day
),

windowed as (
    select
        *,
        {% for n in [1, 7, 30] %}
            {{ value_days_ago('circulating_native', n, 'stablecoin_id') }}
            as circulating_{{ n }}d_ago_native,
        {% endfor %}
        case when is_counted then supply_par_usd end as counted_par_usd
    from valued
),

counted_total as (
    select
        day,
        {{ exact_sum('counted_par_usd') }} as counted_par_usd
    from windowed
    group by day
),

ranked as (
    select
        stablecoin_id,
        day,
        row_number() over (
            partition by day
            order by counted_par_usd desc, stablecoin_id
        ) as supply_rank
    from windowed
    where counted_par_usd is not null
),

final as (
    select
        windowed.stablecoin_id,
        windowed.day,
        windowed.circulating_native,
        windowed.circulating_reported_native,
        windowed.supply_usd,
        windowed.supply_par_usd,
        windowed.price_usd,
        windowed.price_source,
        {% for n in [1, 7, 30] %}
            (windowed.circulating_native - windowed.circulating_{{ n }}d_ago_native)
            * windowed.peg_value_usd as net_mint_{{ n }}d_usd,
        {% endfor %}
        case
            when counted_total.counted_par_usd > 0
                then windowed.counted_par_usd / counted_total.counted_par_usd
        end as share_frac,
        ranked.supply_rank,
        windowed.chain_count,
        windowed.hhi_chain,
        case
            when windowed.is_rebasing and windowed.circulating_1d_ago_native > 0
                then windowed.circulating_native / windowed.circulating_1d_ago_native - 1
        end as rebase_frac,
        windowed.supply_source,
        windowed.is_partial,
        windowed.is_quarantined,
        windowed.is_extrapolated,
        windowed.pit_basis
    from windowed
    inner join counted_total on windowed.day = counted_total.day
    left join ranked
        on windowed.stablecoin_id = ranked.stablecoin_id
        and windowed.day = ranked.day
)

select * from final
