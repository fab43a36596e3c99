{% set so_far = 'partition by asset_id order by day rows between unbounded preceding and current row' %}
{% set concepts = ['circulating', 'second', 'estimated', 'onchain', 'freefloat'] %}

-- the concepts of supply, each in columns of its own, as their best sources say them, carried
-- forward for as many days as that source's word is good; what free tiers do not reach is reported by
-- estimates and then by what is written down. Stablecoins that are no asset of the registry stand under
-- their own id.
with metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
    where metric = 'SplyFF' and value > 0
),

network_metric as (
    select * from {{ ref('int_network_metric_daily') }}
    where metric in ('source_estimated_mcap_usd', 'source_rate_usd') and value > 0
),

onchain as (
    select * from {{ ref('int_asset_supply_onchain_daily') }}
),

schedule as (
    select * from {{ ref('int_asset_supply_schedule') }}
),

price as (
    select * from {{ ref('int_asset_price_daily') }}
),

coin as (
    select * from {{ ref('stg_coingecko__market') }}
),

chart as (
    select * from {{ ref('stg_coingecko__market_chart') }}
    where price_usd > 0 and market_cap_usd > 0
),

alias as (
    select * from {{ ref('int_asset_alias') }}
),

onchain_circulating as (
    select asset_id from {{ ref('map_onchain_circulating') }}
),

stablecoin_supply as (
    select * from {{ ref('int_stablecoin_supply_daily') }}
    where circulating_native > 0 and supply_source = 'defillama_stablecoins'
),

stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
),

calendar as (
    select * from {{ ref('int_asset_calendar_daily') }}
),

stablecoin_price as (
    select * from {{ ref('int_stablecoin_price_daily') }}
),

unit_factor as (
    select * from {{ ref('int_asset_unit_factor') }}
),

supply_config as (
    select * from {{ ref('cfg_supply') }}
    qualify row_number() over (order by version desc) = 1
),

source_convention as (
    select source, table_name, ttl_d from {{ ref('meta_source') }}
),

coin_day as (
    select
        alias.asset_id,
        coin.day,
        coin.supply_circulating_native,
        coin.supply_total_native,
        coin.supply_max_native,
        coin.coin_id
    from coin
    inner join alias
        on alias.source = 'coingecko'
        and coin.coin_id = alias.source_id
        and coin.day >= alias.valid_from
        and coin.day < coalesce(alias.valid_to, date '9999-12-31')
    qualify row_number() over (partition by alias.asset_id, coin.day order by coin.coin_id) = 1
),

metric_day as (
    select
        alias.asset_id,
        metric.day,
        cast(metric.value as double) as supply_native,
        metric.source_asset_id as source_id
    from metric
    inner join alias
        on alias.source = 'coinmetrics'
        and metric.source_asset_id = alias.source_id
        and metric.day >= alias.valid_from
        and metric.day < coalesce(alias.valid_to, date '9999-12-31')
),

-- what Coin Metrics multiplies its rate by, where it reads no ledger
estimate as (
    select
        asset_id,
        day,
        min(source) as source,
        max(case when metric = 'source_estimated_mcap_usd' then value end) as estimated_mcap_usd,
        max(case when metric = 'source_rate_usd' then value end) as rate_usd
    from network_metric
    group by asset_id, day
),

-- a rate that is not the asset's price is of another asset; an estimate that is the ledger's supply tells
-- nothing of what circulates
believed_estimate as (
    select
        estimate.asset_id,
        estimate.day,
        estimate.source,
        estimate.estimated_mcap_usd / estimate.rate_usd as supply_native
    from estimate
    cross join supply_config
    left join price
        on estimate.asset_id = price.asset_id
        and estimate.day = price.day
    left join onchain
        on estimate.asset_id = onchain.asset_id
        and estimate.day = onchain.day
    left join onchain_circulating on estimate.asset_id = onchain_circulating.asset_id
    where estimate.estimated_mcap_usd is not null
        and estimate.rate_usd is not null
        and coalesce(abs(estimate.rate_usd / price.close_usd - 1), 0) <= supply_config.max_rate_gap_frac
        and (
            onchain_circulating.asset_id is not null
            or onchain.supply_native is null
            or abs(estimate.estimated_mcap_usd / estimate.rate_usd / onchain.supply_native - 1)
            > supply_config.max_gap_frac
        )
),

-- who says what, the better word first; where nothing is held back the ledger's supply is what
-- circulates, elsewhere it is another concept and no stand-in
reported as (
    select
        coalesce(stablecoin.asset_id, stablecoin.stablecoin_id) as asset_id,
        stablecoin_supply.day,
        'circulating' as concept,
        stablecoin_supply.circulating_native as supply_native,
        'defillama_stablecoins' as source,
        'balances' as table_name,
        1 as preference,
        stablecoin.stablecoin_id as source_id
    from stablecoin_supply
    inner join stablecoin on stablecoin_supply.stablecoin_id = stablecoin.stablecoin_id

    union all

    select
        asset_id,
        day,
        'circulating' as concept,
        supply_circulating_native as supply_native,
        'coingecko' as source,
        'markets' as table_name,
        2 as preference,
        coin_id as source_id
    from coin_day
    where supply_circulating_native is not null

    union all

    select
        onchain.asset_id,
        onchain.day,
        'circulating' as concept,
        onchain.supply_native,
        onchain.supply_source as source,
        onchain.supply_table as table_name,
        3 as preference,
        onchain.asset_id as source_id
    from onchain
    inner join onchain_circulating on onchain.asset_id = onchain_circulating.asset_id

    union all

    -- what CoinGecko multiplied its price by
    select
        alias.asset_id,
        chart.day,
        'circulating' as concept,
        chart.market_cap_usd / chart.price_usd as supply_native,
        'coingecko' as source,
        'market_chart' as table_name,
        4 as preference,
        chart.coin_id as source_id
    from chart
    inner join alias
        on alias.source = 'coingecko'
        and chart.coin_id = alias.source_id
        and chart.day >= alias.valid_from
        and chart.day < coalesce(alias.valid_to, date '9999-12-31')

    union all

    select
        asset_id,
        day,
        'estimated' as concept,
        supply_native,
        source,
        'asset_metrics' as table_name,
        1 as preference,
        asset_id as source_id
    from believed_estimate

    union all

    select
        asset_id,
        day,
        'onchain' as concept,
        supply_native,
        supply_source as source,
        supply_table as table_name,
        1 as preference,
        asset_id as source_id
    from onchain

    union all

    select
        asset_id,
        day,
        'freefloat' as concept,
        supply_native,
        'coinmetrics' as source,
        'asset_metrics' as table_name,
        1 as preference,
        source_id
    from metric_day
),

-- one word per source table; the next best word about what circulates is kept beside the best
worded as (
    select * from reported
    qualify row_number() over (
        partition by asset_id, day, concept, preference
        order by source_id
    ) = 1
),

chosen as (
    select
        worded.asset_id,
        worded.day,
        worded.concept,
        worded.supply_native,
        worded.source || '.' || worded.table_name as source,
        source_convention.ttl_d,
        row_number() over (
            partition by worded.asset_id, worded.day, worded.concept
            order by worded.preference
        ) as position
    from worded
    left join source_convention
        on worded.source = source_convention.source
        and worded.table_name = source_convention.table_name
),

word as (
    select
        asset_id,
        day,
        case when position = 2 then 'second' else concept end as concept,
        supply_native,
        source,
        ttl_d
    from chosen
    where position = 1 or (position = 2 and concept = 'circulating')
),

wide as (
    select
        asset_id,
        day,
        {% for concept in concepts %}
            max(case when concept = '{{ concept }}' then supply_native end) as {{ concept }}_native,
            max(case when concept = '{{ concept }}' then source end) as {{ concept }}_source,
            max(case when concept = '{{ concept }}' then ttl_d end) as {{ concept }}_ttl_d
            {{- ',' if not loop.last }}
        {% endfor %}
    from word
    group by asset_id, day
),

asset_day as (
    select asset_id, day from calendar
    union
    select
        coalesce(stablecoin.asset_id, stablecoin.stablecoin_id) as asset_id,
        stablecoin_price.day
    from stablecoin_price
    inner join stablecoin on stablecoin_price.stablecoin_id = stablecoin.stablecoin_id
),

-- in the asset's first units: a number carried over a change of units must not keep the old ones
dense as (
    select
        asset_day.asset_id,
        asset_day.day,
        coalesce(unit_factor.unit_factor, 1) as unit_factor,
        {% for concept in concepts %}
            wide.{{ concept }}_native / coalesce(unit_factor.unit_factor, 1) as {{ concept }}_first,
            wide.{{ concept }}_source,
            wide.{{ concept }}_ttl_d,
        {% endfor %}
        case when coin_day.asset_id is not null then asset_day.day end as largest_day
    from asset_day
    left join wide
        on asset_day.asset_id = wide.asset_id
        and asset_day.day = wide.day
    left join coin_day
        on asset_day.asset_id = coin_day.asset_id
        and asset_day.day = coin_day.day
    left join unit_factor
        on asset_day.asset_id = unit_factor.asset_id
        and asset_day.day >= unit_factor.valid_from
        and asset_day.day < coalesce(unit_factor.valid_to, date '9999-12-31')
),

carried as (
    select
        asset_id,
        day,
        unit_factor,
        {% for concept in concepts %}
            {{ last_known(concept ~ '_first', so_far) }} as {{ concept }}_first,
            {{ last_known(concept ~ '_source', so_far) }} as {{ concept }}_source,
            {{ last_known(concept ~ '_ttl_d', so_far) }} as {{ concept }}_ttl_d,
            {{ last_known('case when ' ~ concept ~ '_first is not null then day end', so_far) }}
            as {{ concept }}_day,
        {% endfor %}
        {{ last_known('largest_day', so_far) }} as largest_day
    from dense
),

-- a snapshot is carried whole: a largest supply that it does not name is unlimited, not forgotten
largest as (
    select
        coin_day.asset_id,
        coin_day.day,
        coin_day.supply_total_native / coalesce(unit_factor.unit_factor, 1) as total_first,
        coin_day.supply_max_native / coalesce(unit_factor.unit_factor, 1) as max_first,
        source_convention.ttl_d
    from coin_day
    left join source_convention
        on source_convention.source = 'coingecko'
        and source_convention.table_name = 'markets'
    left join unit_factor
        on coin_day.asset_id = unit_factor.asset_id
        and coin_day.day >= unit_factor.valid_from
        and coin_day.day < coalesce(unit_factor.valid_to, date '9999-12-31')
),

fresh as (
    select
        carried.asset_id,
        carried.day,
        carried.unit_factor,
        {% for concept in concepts %}
            case
                when {{ days_between('carried.' ~ concept ~ '_day', 'carried.day') }} <= carried.{{ concept }}_ttl_d
                    then carried.{{ concept }}_first
            end as {{ concept }}_first,
            carried.{{ concept }}_source,
            {{ days_between('carried.' ~ concept ~ '_day', 'carried.day') }} as {{ concept }}_staleness_d,
        {% endfor %}
        largest.total_first,
        largest.max_first,
        case when largest.asset_id is not null then {{ days_between('carried.largest_day', 'carried.day') }} end
        as largest_staleness_d
    from carried
    left join largest
        on carried.asset_id = largest.asset_id
        and carried.largest_day = largest.day
        and {{ days_between('carried.largest_day', 'carried.day') }} <= largest.ttl_d
),

scheduled as (
    select
        asset_day.asset_id,
        asset_day.day,
        {% for concept in ['circulating', 'diluted'] %}
            max(case
                when schedule.concept = '{{ concept }}'
                    then schedule.supply_first
                        + schedule.issuance_1d_first * {{ days_between('schedule.valid_from', 'asset_day.day') }}
            end) as {{ concept }}_first{{ ',' if not loop.last }}
        {% endfor %}
    from asset_day
    inner join schedule
        on asset_day.asset_id = schedule.asset_id
        and asset_day.day >= schedule.valid_from
        and asset_day.day < schedule.valid_to
    group by asset_day.asset_id, asset_day.day
),

-- reported, estimated, written down: the first that is there
chosen_word as (
    select
        fresh.*,
        case
            when fresh.circulating_first is not null
                then case fresh.circulating_source
                    when 'defillama_stablecoins.balances' then 'reported'
                    when 'coingecko.markets' then 'reported'
                    when 'coingecko.market_chart' then 'implied'
                    else 'ledger'
                end
            when fresh.estimated_first is not null then 'estimated'
            when scheduled.circulating_first is not null then 'schedule'
        end as mcap_basis,
        coalesce(fresh.circulating_first, fresh.estimated_first, scheduled.circulating_first)
        as best_first,
        case
            when fresh.circulating_first is not null then fresh.circulating_source
            when fresh.estimated_first is not null then fresh.estimated_source
            when scheduled.circulating_first is not null then 'curated.supply'
        end as best_source,
        case
            when fresh.circulating_first is not null then fresh.circulating_staleness_d
            when fresh.estimated_first is not null then fresh.estimated_staleness_d
            -- a pace speaks for each of its days
            when scheduled.circulating_first is not null then 0
        end as best_staleness_d,
        case
            when fresh.second_first is not null then fresh.second_first
            when fresh.circulating_first is not null then fresh.estimated_first
        end as other_first,
        case
            when fresh.second_first is not null then fresh.second_source
            when fresh.circulating_first is not null and fresh.estimated_first is not null
                then fresh.estimated_source
        end as other_source,
        scheduled.diluted_first as scheduled_diluted_first,
        -- where nothing is held back, the ledger is all that there is
        case when onchain_circulating.asset_id is not null then fresh.onchain_first end
        as ledger_diluted_first
    from fresh
    left join scheduled
        on fresh.asset_id = scheduled.asset_id
        and fresh.day = scheduled.day
    left join onchain_circulating on fresh.asset_id = onchain_circulating.asset_id
),

compared as (
    select
        chosen_word.*,
        chosen_word.best_first / chosen_word.other_first - 1 as gap_frac,
        coalesce(
            chosen_word.max_first,
            chosen_word.total_first,
            chosen_word.scheduled_diluted_first,
            chosen_word.ledger_diluted_first
        ) as diluted_first,
        supply_config.max_gap_frac
    from chosen_word
    cross join supply_config
    where chosen_word.best_first is not null
        or chosen_word.onchain_first is not null
        or chosen_word.freefloat_first is not null
        or chosen_word.largest_staleness_d is not null
        or chosen_word.scheduled_diluted_first is not null
),

final as (
    select
        asset_id,
        day,
        unit_factor,
        best_first * unit_factor as supply_circulating_native,
        best_source as supply_circulating_source,
        cast(best_staleness_d as bigint) as supply_circulating_staleness_d,
        mcap_basis,
        other_first * unit_factor as supply_second_native,
        other_source as supply_second_source,
        gap_frac as supply_gap_frac,
        abs(gap_frac) > max_gap_frac as is_supply_disputed,
        onchain_first * unit_factor as supply_onchain_native,
        case when onchain_first is not null then cast(onchain_staleness_d as bigint) end
        as supply_onchain_staleness_d,
        freefloat_first * unit_factor as supply_freefloat_native,
        total_first * unit_factor as supply_total_native,
        max_first * unit_factor as supply_max_native,
        -- there are at least as many units as circulate; far more than the largest supply is a contradiction
        case
            when best_first <= diluted_first * (1 + max_gap_frac) or best_first is null
                then greatest(diluted_first, best_first) * unit_factor
        end as supply_diluted_native,
        case
            when max_first is not null then 'max'
            when total_first is not null then 'total'
            when scheduled_diluted_first is not null then 'schedule'
            when ledger_diluted_first is not null then 'ledger'
        end as fdv_basis,
        best_first > diluted_first * (1 + max_gap_frac) as is_supply_contradictory,
        cast(largest_staleness_d as bigint) as supply_diluted_staleness_d
    from compared
)

select * from final
