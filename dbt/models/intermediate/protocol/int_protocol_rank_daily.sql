-- who is how large in its category on a chain, and whom it overtook: behind three days ago, ahead on
-- each day since. A family ranks as one; its members rank where it has no word.
with protocol_day as (
    select * from {{ ref('int_protocol_daily') }}
    where tvl_usd is not null
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

ranked as (
    select
        protocol_day.protocol_id,
        protocol_day.chain_id,
        protocol_day.day,
        protocol_day.category,
        row_number() over (
            partition by protocol_day.chain_id, protocol_day.category, protocol_day.day
            order by protocol_day.tvl_usd desc, protocol_day.protocol_id
        ) as tvl_rank
    from protocol_day
    left join protocol_day as family_day
        on protocol_day.family_id = family_day.protocol_id
        and protocol_day.chain_id = family_day.chain_id
        and protocol_day.day = family_day.day
    where family_day.protocol_id is null and protocol_day.category is not null
),

remembered as (
    select
        *,
        {% for n in [1, 2, 3] %}
            {{ value_days_ago('tvl_rank', n, 'protocol_id, chain_id') }} as rank_{{ n }}d_ago
            {{- ',' if not loop.last }}
        {% endfor %}
    from ranked
),

overtaking as (
    select
        riser.protocol_id,
        riser.chain_id,
        riser.day,
        overtaken.protocol_id as overtook_protocol_id
    from remembered as riser
    cross join defi_config
    inner join remembered as overtaken
        on riser.chain_id = overtaken.chain_id
        and riser.category = overtaken.category
        and riser.day = overtaken.day
        and overtaken.rank_3d_ago < riser.rank_3d_ago
        and overtaken.rank_2d_ago > riser.rank_2d_ago
        and overtaken.rank_1d_ago > riser.rank_1d_ago
        and overtaken.tvl_rank > riser.tvl_rank
    where riser.rank_2d_ago < riser.rank_3d_ago
        and riser.tvl_rank <= defi_config.rank_depth
    -- of several the one that was highest
    qualify row_number() over (
        partition by riser.protocol_id, riser.chain_id, riser.day
        order by overtaken.rank_3d_ago
    ) = 1
),

final as (
    select
        remembered.protocol_id,
        remembered.chain_id,
        remembered.day,
        remembered.category,
        remembered.tvl_rank,
        overtaking.overtook_protocol_id
    from remembered
    left join overtaking
        on remembered.protocol_id = overtaking.protocol_id
        and remembered.chain_id = overtaking.chain_id
        and remembered.day = overtaking.day
)

select * from final
