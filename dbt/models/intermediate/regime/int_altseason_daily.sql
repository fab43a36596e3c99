-- how many of the largest altcoins beat bitcoin over 90 days: those that are large today, and
-- those that were large 90 days ago, the dead among them
with market_cap as (
    select asset_id, day, mcap_usd from {{ ref('int_asset_mcap_daily') }}
    where mcap_usd > 0 and is_alt
),

risk as (
    select asset_id, day, ret_90d from {{ ref('int_asset_risk_daily') }}
    where ret_90d is not null
),

token_event as (
    select asset_id, min(effective_day) as gone_from
    from {{ ref('int_token_event') }}
    where kind in ('dead', 'delist')
    group by asset_id
),

regime_config as (
    select * from {{ ref('cfg_regime') }}
    qualify row_number() over (order by version desc) = 1
),

largest as (
    select market_cap.asset_id, market_cap.day
    from market_cap
    cross join regime_config
    qualify row_number() over (
        partition by market_cap.day order by market_cap.mcap_usd desc, market_cap.asset_id
    ) <= regime_config.altseason_top_count
),

member as (
    select 'present' as list, asset_id, day from largest
    union all
    select 'pit' as list, asset_id, day + 90 as day from largest
),

bitcoin as (
    select day, ret_90d as btc_ret_90d from risk
    where asset_id = 'bitcoin'
),

compared as (
    select
        member.list,
        member.day,
        case
            when risk.ret_90d is not null
                then case when risk.ret_90d > bitcoin.btc_ret_90d then 1 else 0 end
            -- what died on the way did not beat anything
            when member.list = 'pit' and member.day >= token_event.gone_from then 0
        end as beats
    from member
    inner join bitcoin on member.day = bitcoin.day
    left join risk
        on member.asset_id = risk.asset_id
        and member.day = risk.day
    left join token_event on member.asset_id = token_event.asset_id
),

counted as (
    select list, day, count(beats) as member_count, sum(beats) as beating_count
    from compared
    group by list, day
),

final as (
    select
        counted.day,
        {% for list, suffix in [('present', ''), ('pit', '_pit')] %}
            max(case when counted.list = '{{ list }}' then counted.member_count end)
            as altseason{{ suffix }}_member_count,
            max(case
                when counted.list = '{{ list }}'
                    and counted.member_count >= regime_config.altseason_min_valid
                    then 100.0 * counted.beating_count / counted.member_count
            end) as altseason_index{{ suffix }}{{ ',' if not loop.last }}
        {% endfor %}
    from counted
    cross join regime_config
    group by counted.day
)

select * from final
