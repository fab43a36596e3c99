{% set recent = days_back(29, 0, 'a_id, b_id') %}
{% set prior = days_back(119, 30, 'a_id, b_id') %}
{% set quarter = days_back(89, 0, 'a_id, b_id') %}

-- does what belongs together move together? Pairs of members of one narrative, and each
-- member with its narrative's basket; windows look at all common returns, rows are of days on which
-- both belong.
with member as (
    select narrative_id, asset_id, day from {{ ref('int_narrative_member_daily') }}
),

asset_return as (
    select asset_id, day, logret_1d from {{ ref('int_asset_return_daily') }}
    where logret_1d is not null
),

basket as (
    select narrative_id, day, ln(1 + basket_ret) as logret_1d
    from {{ ref('int_narrative_index_daily') }}
    where basket_ret > -1
),

correlation_config as (
    select * from {{ ref('cfg_correlation') }}
    qualify row_number() over (order by version desc) = 1
),

related as (
    select distinct narrative_id, asset_id from member
),

member_return as (
    select related.narrative_id, related.asset_id, asset_return.day, asset_return.logret_1d
    from related
    inner join asset_return on related.asset_id = asset_return.asset_id
),

pair_return as (
    -- once, even if two belong to two narratives together
    select distinct
        first_return.asset_id as a_id,
        second_return.asset_id as b_id,
        'asset' as b_kind,
        first_return.day,
        first_return.logret_1d as a_ret,
        second_return.logret_1d as b_ret
    from member_return as first_return
    inner join member_return as second_return
        on first_return.narrative_id = second_return.narrative_id
        and first_return.day = second_return.day
        and first_return.asset_id < second_return.asset_id

    union all

    select
        member_return.asset_id as a_id,
        member_return.narrative_id as b_id,
        'narrative' as b_kind,
        member_return.day,
        member_return.logret_1d as a_ret,
        basket.logret_1d as b_ret
    from member_return
    inner join basket
        on member_return.narrative_id = basket.narrative_id
        and member_return.day = basket.day
),

windowed as (
    select
        a_id,
        b_id,
        b_kind,
        day,
        {% for name, frame in [('recent', recent), ('prior', prior)] %}
            count(*) over ({{ frame }}) as {{ name }}_obs_count,
            covar_samp(a_ret, b_ret) over ({{ frame }}) as {{ name }}_cov,
            stddev_samp(a_ret) over ({{ frame }}) as {{ name }}_a_sd,
            stddev_samp(b_ret) over ({{ frame }}) as {{ name }}_b_sd,
        {% endfor %}
        count(*) over ({{ quarter }}) as quarter_obs_count,
        covar_samp(a_ret, b_ret) over ({{ quarter }}) as quarter_cov,
        var_samp(b_ret) over ({{ quarter }}) as quarter_b_var
    from pair_return
),

measured as (
    select
        windowed.a_id,
        windowed.b_id,
        windowed.b_kind,
        windowed.day,
        windowed.recent_obs_count,
        windowed.prior_obs_count,
        -- rounding may carry a perfect correlation past 1
        {% for name, alias in [('recent', 'corr_30d'), ('prior', 'corr_prior_90d')] %}
            case
                when windowed.{{ name }}_obs_count >= correlation_config.{{ name }}_min_obs
                    and windowed.{{ name }}_a_sd >= correlation_config.min_stdev
                    and windowed.{{ name }}_b_sd >= correlation_config.min_stdev
                    then greatest(
                        -1.0,
                        least(
                            1.0,
                            windowed.{{ name }}_cov / (windowed.{{ name }}_a_sd * windowed.{{ name }}_b_sd)
                        )
                    )
            end as {{ alias }},
        {% endfor %}
        case
            when windowed.b_kind = 'narrative'
                and windowed.quarter_obs_count >= correlation_config.beta_min_obs
                and windowed.quarter_b_var >= correlation_config.min_stdev * correlation_config.min_stdev
                then windowed.quarter_cov / windowed.quarter_b_var
        end as beta_to_narrative_90d,
        correlation_config.clip
    from windowed
    cross join correlation_config
),

transformed as (
    select
        *,
        {% for name in ['corr_30d', 'corr_prior_90d'] %}
            -- the least of a bound and nothing would be the bound
            case
                when {{ name }} is not null
                    then 0.5 * ln(
                        (1 + greatest(-clip, least(clip, {{ name }})))
                        / (1 - greatest(-clip, least(clip, {{ name }})))
                    )
            end as {{ name }}_fisher{{ ',' if not loop.last }}
        {% endfor %}
    from measured
),

-- both belong on the day itself
together as (
    select distinct first_member.asset_id as a_id, second_member.asset_id as b_id, first_member.day
    from member as first_member
    inner join member as second_member
        on first_member.narrative_id = second_member.narrative_id
        and first_member.day = second_member.day
        and first_member.asset_id < second_member.asset_id
    union all
    select asset_id as a_id, narrative_id as b_id, day
    from member
),

final as (
    select
        transformed.a_id,
        transformed.b_id,
        transformed.b_kind,
        transformed.day,
        transformed.corr_30d,
        transformed.recent_obs_count as corr_30d_obs_count,
        transformed.corr_prior_90d,
        transformed.prior_obs_count as corr_prior_90d_obs_count,
        case
            when transformed.recent_obs_count > 3 and transformed.prior_obs_count > 3
                then (transformed.corr_30d_fisher - transformed.corr_prior_90d_fisher)
                    / sqrt(
                        1.0 / (transformed.recent_obs_count - 3)
                        + 1.0 / (transformed.prior_obs_count - 3)
                    )
        end as fisher_z,
        transformed.beta_to_narrative_90d
    from transformed
    inner join together
        on transformed.a_id = together.a_id
        and transformed.b_id = together.b_id
        and transformed.day = together.day
)

select * from final
