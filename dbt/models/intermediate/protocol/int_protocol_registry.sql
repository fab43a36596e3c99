-- protocols, families of protocols and chains' gas: what DefiLlama lists or has listed, what it has
-- series of, and what is curated
with slug_alias as (
    select * from {{ ref('int_protocol_alias') }}
),

slug_listed as (
    select * from {{ ref('stg_defillama__protocol') }}
),

metric_listed as (
    select * from {{ ref('stg_defillama__metric_protocol') }}
),

protocol_interval as (
    select * from {{ ref('int_protocol_interval') }}
),

curated as (
    select * from {{ ref('dim_protocol_curated') }}
),

reported as (
    select distinct protocol_id from {{ ref('int_protocol_report_daily') }}
),

category_map as (
    select * from {{ ref('map_protocol_category') }}
),

alias as (
    select * from {{ ref('int_asset_alias') }}
    where valid_to is null
),

-- as it is described under its newest slug, if it had several
listed as (
    select slug_listed.*, slug_alias.protocol_id
    from slug_listed
    inner join slug_alias on slug_listed.slug = slug_alias.slug
    qualify row_number() over (
        partition by slug_alias.protocol_id
        order by slug_listed.is_listed desc, slug_listed.known_at desc, slug_listed.slug
    ) = 1
),

-- a protocol may have fees and hold nothing, or hold something without fees
metric_entry as (
    select
        slug_alias.protocol_id,
        min(metric_listed.name) as name,
        min(metric_listed.category) as category,
        max(metric_listed.family_id) as family_id,
        max(case when is_double_counted then 1 else 0 end) = 1 as is_double_counted,
        max(case when protocol_type = 'chain' then 1 else 0 end) = 1 as is_chain,
        max(case when is_listed then 1 else 0 end) = 1 as is_listed,
        max(gone_seen_at) as gone_seen_at
    from metric_listed
    inner join slug_alias on metric_listed.slug = slug_alias.slug
    group by slug_alias.protocol_id
),

entry as (
    select
        coalesce(listed.protocol_id, metric_entry.protocol_id) as protocol_id,
        coalesce(listed.name, metric_entry.name) as name,
        listed.symbol,
        coalesce(listed.category, metric_entry.category) as category,
        coalesce(listed.family_id, metric_entry.family_id) as family_id,
        listed.gecko_id,
        listed.listed_day,
        listed.dead_from,
        coalesce(metric_entry.is_double_counted, false) as is_double_counted,
        coalesce(metric_entry.is_chain, listed.category = 'Chain', false) as is_chain,
        case
            when not coalesce(listed.is_listed, false) and not coalesce(metric_entry.is_listed, false)
                then {{ utc_day('greatest(listed.gone_seen_at, metric_entry.gone_seen_at)') }}
        end as gone_from
    from listed
    full outer join metric_entry on listed.protocol_id = metric_entry.protocol_id
),

-- of a family is who was in it at any time: its days do not go with a member that left
member as (
    select distinct family_id, protocol_id
    from protocol_interval
    where family_id is not null
),

family_described as (
    select protocol_id, category
    from protocol_interval
    where valid_to = date '9999-12-31'
),

family as (
    select
        member.family_id as protocol_id,
        member.family_id as name,
        min(entry.symbol) as symbol,
        min(family_described.category) as category,
        case when count(distinct entry.gecko_id) = 1 then min(entry.gecko_id) end as gecko_id,
        min(entry.listed_day) as listed_day,
        case when count(*) = count(entry.gone_from) then max(entry.gone_from) end as gone_from
    from member
    inner join entry on member.protocol_id = entry.protocol_id
    left join family_described on member.family_id = family_described.protocol_id
    where member.family_id not in (select protocol_id from entry)
    group by member.family_id
),

known as (
    select
        protocol_id,
        name,
        symbol,
        category,
        family_id,
        gecko_id,
        listed_day,
        dead_from,
        gone_from,
        is_double_counted,
        case when is_chain then 'chain' else 'protocol' end as protocol_kind
    from entry

    union all

    select
        protocol_id,
        name,
        symbol,
        category,
        cast(null as varchar) as family_id,
        gecko_id,
        listed_day,
        cast(null as date) as dead_from,
        gone_from,
        false as is_double_counted,
        'family' as protocol_kind
    from family

    union all

    -- its days are reported, and no list that we know has it
    select
        protocol_id,
        protocol_id as name,
        cast(null as varchar) as symbol,
        cast(null as varchar) as category,
        cast(null as varchar) as family_id,
        cast(null as varchar) as gecko_id,
        cast(null as date) as listed_day,
        cast(null as date) as dead_from,
        cast(null as date) as gone_from,
        false as is_double_counted,
        'protocol' as protocol_kind
    from reported
    where protocol_id not in (select protocol_id from entry)
        and protocol_id not in (select protocol_id from family)
),

described as (
    select
        coalesce(known.protocol_id, curated.protocol_id) as protocol_id,
        coalesce(curated.name, known.name) as name,
        known.symbol,
        coalesce(known.category, curated.category) as category,
        known.family_id,
        known.gecko_id,
        known.listed_day,
        known.dead_from,
        known.gone_from,
        coalesce(known.is_double_counted, false) as is_double_counted,
        coalesce(known.protocol_kind, 'protocol') as protocol_kind,
        coalesce(known.protocol_id, curated.protocol_id) in (select family_id from member)
        as is_family_total,
        curated.insider_allocation_frac,
        curated.launch_day,
        curated.note,
        curated.protocol_id is not null as is_curated
    from known
    full outer join curated on known.protocol_id = curated.protocol_id
),

final as (
    select
        described.*,
        coalesce(category_map.sector, 'other') as sector,
        coalesce(category_map.is_exchange, false) as is_exchange,
        coalesce(own_alias.asset_id, gecko_alias.asset_id, family_alias.asset_id) as token_asset_id
    from described
    left join category_map on described.category = category_map.category
    left join alias as own_alias
        on own_alias.source = 'defillama' and described.protocol_id = own_alias.source_id
    left join alias as gecko_alias
        on gecko_alias.source = 'coingecko' and described.gecko_id = gecko_alias.source_id
    left join alias as family_alias
        on family_alias.source = 'defillama' and described.family_id = family_alias.source_id
)

select * from final
