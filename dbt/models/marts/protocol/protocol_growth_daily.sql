{% set spans = [1, 7, 14, 30] %}

with growth as (
    select * from {{ ref('int_protocol_growth_daily') }}
    where protocol_kind != 'chain'
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        growth.protocol_id,
        growth.day,
        growth.tvl_usd,
        {% for n in spans %}growth.tvl_change_{{ n }}d_usd, {% endfor %}
        {% for n in spans %}growth.tvl_multiple_{{ n }}d_x, {% endfor %}
        {% for n in spans %}growth.tvl_multiple_{{ n }}d_x - 1 as tvl_growth_{{ n }}d_frac, {% endfor %}
        {% for n in spans %}growth.usd_inflow_{{ n }}d_usd, {% endfor %}
        {% for n in spans %}growth.price_effect_{{ n }}d_usd, {% endfor %}
        {% for n in spans %}growth.tvl_unexplained_{{ n }}d_usd, {% endfor %}
        growth.launch_day,
        cast(growth.days_since_launch_d as bigint) as days_since_launch_d,
        growth.tvl_since_launch_usd,
        growth.fees_growth_30d_frac,
        growth.fees_growth_90d_frac,
        growth.dex_volume_growth_30d_frac,
        growth.pit_basis,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from growth
    cross join build_stamp
)

select * from final
order by protocol_id, day
