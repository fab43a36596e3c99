with unmapped as (
    select * from {{ ref('int_source_id_unmapped') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        unmapped.source,
        unmapped.id_kind,
        unmapped.source_id,
        unmapped.source_name,
        unmapped.volume_usd as unmapped_volume_usd,
        unmapped.mcap_usd as unmapped_mcap_usd,
        unmapped.row_count,
        unmapped.market_count as unmapped_market_count,
        unmapped.first_day as first_seen_day,
        unmapped.last_day as last_seen_day,
        row_number() over (
            order by unmapped.size_usd desc nulls last, unmapped.source, unmapped.id_kind,
                unmapped.source_id
        ) as curation_rank,
        build_stamp.as_of_ts
    from unmapped
    cross join build_stamp
)

select * from final
order by curation_rank
