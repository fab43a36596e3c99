-- no clock: what the newest answer known is stamped with is when this build is "now"
with extraction as (
    select * from {{ ref('stg_lake__extraction') }}
),

price_config as (
    select max(version) as version from {{ ref('cfg_price') }}
),

risk_config as (
    select max(version) as version from {{ ref('cfg_risk') }}
),

stablecoin_config as (
    select max(version) as version from {{ ref('cfg_stablecoin') }}
),

newest as (
    select max(known_at) as as_of_ts from extraction
),

final as (
    select
        newest.as_of_ts,
        'v{{ model_version() }} price.' || price_config.version
        || ' risk.' || risk_config.version
        || ' stablecoin.' || stablecoin_config.version as model_version
    from newest
    cross join price_config
    cross join risk_config
    cross join stablecoin_config
)

select * from final
