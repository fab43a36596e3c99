-- what sources took back, material or not. One row per restated fact, column and version.
with changed as (
    select * from {{ ref('stg_lake__revision') }}
),

metric_measure as (
    select * from {{ ref('map_metric_measure') }}
),

revision_config as (
    select * from {{ ref('cfg_revision') }}
    qualify rank() over (order by version desc) = 1
),

-- the longest prefix of a metric's name says what it measures
name_measure as (
    select changed_name.column_name, metric_measure.measure
    from (select distinct column_name from changed where measure is null) as changed_name
    inner join metric_measure
        on changed_name.column_name like coalesce(metric_measure.metric_prefix, '') || '%'
    qualify row_number() over (
        partition by changed_name.column_name
        order by length(coalesce(metric_measure.metric_prefix, '')) desc
    ) = 1
),

measured as (
    select
        changed.source,
        changed.table_name,
        changed.source_id,
        changed.day,
        changed.column_name,
        changed.old_value,
        changed.new_value,
        changed.cause,
        changed.known_at,
        changed.previous_known_at,
        changed.mart,
        coalesce(changed.measure, name_measure.measure) as measure,
        case
            when changed.old_value != 0 then changed.new_value / changed.old_value - 1
        end as rel_change_frac
    from changed
    left join name_measure on changed.column_name = name_measure.column_name
),

final as (
    select
        measured.*,
        revision_config.materiality_frac,
        -- gone, back, or from zero: no fraction says how much that is
        measured.cause != 'restated'
        or measured.rel_change_frac is null
        or abs(measured.rel_change_frac) > revision_config.materiality_frac as is_material
    from measured
    inner join revision_config on measured.measure = revision_config.measure
)

select * from final
