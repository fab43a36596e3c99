-- what the build itself refused or could not place: one row per gate, passed or not
with price as (
    select * from {{ ref('int_asset_price_daily') }}
),

supply as (
    select * from {{ ref('int_stablecoin_supply_daily') }}
),

unmapped as (
    select * from {{ ref('int_source_id_unmapped') }}
),

stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
),

gap as (
    select * from {{ ref('int_source_gap') }}
),

extraction as (
    select * from {{ ref('stg_lake__extraction') }}
),

label_off_grid as (
    select * from {{ ref('int_label_off_grid') }}
),

list_answer as (
    select * from {{ ref('int_list_answer') }}
    qualify row_number() over (partition by source, table_name order by known_at desc, load_id desc) = 1
),

ops_config as (
    select * from {{ ref('cfg_ops') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

newest_run as (
    -- by the load: a day and the history before it are of one instant
    select extraction.run_id
    from extraction
    inner join build_stamp on extraction.known_at = build_stamp.as_of_ts
    qualify row_number() over (order by extraction.load_id desc) = 1
),

gate as (
    select 'price_jump_gate' as check_name, 'price_daily' as mart
    union all
    select 'stablecoin_supply_gate' as check_name, 'stablecoin_supply_daily' as mart
    union all
    select 'unmapped_source_id' as check_name, 'dim_asset_alias' as mart
    union all
    select 'unknown_peg_mechanism' as check_name, 'dim_stablecoin' as mart
    union all
    select 'misspelt_peg_mechanism' as check_name, 'dim_stablecoin' as mart
    union all
    select 'list_cut_off' as check_name, 'ops_load_log' as mart
    union all
    select 'label_off_grid' as check_name, 'ops_load_log' as mart
    union all
    select 'gap_of_our_own' as check_name, 'ops_gap' as mart
    union all
    select 'gap_of_a_source' as check_name, 'ops_gap' as mart
),

finding as (
    select
        'price_jump_gate' as check_name,
        asset_id || ' ' || cast(day as varchar) as item,
        cast(day as varchar) as sort_key
    from price
    where price_quality = 'unconfirmed'

    union all

    select
        'stablecoin_supply_gate' as check_name,
        stablecoin_id || ' ' || cast(day as varchar) || ' '
        || cast(circulating_reported_native as varchar) as item,
        cast(day as varchar) as sort_key
    from supply
    where is_quarantined

    union all

    select
        'unmapped_source_id' as check_name,
        source || ' ' || id_kind || ' ' || source_id || ' ('
        || cast(row_count as varchar) || ' rows, '
        || coalesce(cast(round(size_usd) as varchar) || ' USD', 'size unknown') || ')' as item,
        -- the largest first when sorted downwards
        lpad(coalesce(cast(cast(round(size_usd) as decimal(38, 0)) as varchar), ''), 40, '0') as sort_key
    from unmapped

    union all

    select
        'unknown_peg_mechanism' as check_name,
        stablecoin_id || ' ' || coalesce(peg_mechanism, 'none given') as item,
        stablecoin_id as sort_key
    from stablecoin
    where mechanism is null

    union all

    select
        'misspelt_peg_mechanism' as check_name,
        stablecoin_id || ' ' || peg_mechanism as item,
        stablecoin_id as sort_key
    from stablecoin
    where is_mechanism_misspelt

    union all

    -- it is not believed: what it lacks is not taken for gone
    select
        'list_cut_off' as check_name,
        source || '.' || table_name || ' has ' || cast(entry_count as varchar) || ' entries, '
        || cast(longest_count as varchar) || ' before' as item,
        source || '.' || table_name as sort_key
    from list_answer
    where is_cut_off

    union all

    -- a record beside its day's, of which nobody can say what it stands for
    select
        'label_off_grid' as check_name,
        source || '.' || table_name || ' ' || entity_id || ' ' || cast(label_at as varchar) as item,
        cast(label_at as varchar) as sort_key
    from label_off_grid

    union all

    -- what can be repaired is news; what is not there for good is not
    select
        case reason when 'own_failure' then 'gap_of_our_own' else 'gap_of_a_source' end as check_name,
        source || '.' || table_name || ' ' || series_id || ' '
        || cast(gap_from as varchar) || '..' || cast(gap_to as varchar)
        || case when gap_detail is null then '' else ' (' || gap_detail || ')' end as item,
        cast(gap_to as varchar) as sort_key
    from gap
    where is_repairable
),

numbered as (
    select
        *,
        row_number() over (partition by check_name order by sort_key desc, item) as position
    from finding
),

listed as (
    select
        numbered.check_name,
        count(*) as failed_row_count,
        {{ joined_text(
            'case when numbered.position <= ops_config.listed_row_limit then numbered.item end',
            '; ',
            'numbered.position'
        ) }} as detail
    from numbered
    cross join ops_config
    group by numbered.check_name
),

final as (
    select
        coalesce(newest_run.run_id, 'none') as run_id,
        build_stamp.as_of_ts as checked_at,
        gate.check_name,
        gate.mart,
        coalesce(listed.failed_row_count, 0) as failed_row_count,
        coalesce(listed.detail, '') as detail
    from gate
    cross join build_stamp
    cross join newest_run
    left join listed on gate.check_name = listed.check_name
    -- an empty lake has not been refused anything
    where build_stamp.as_of_ts is not null
)

select * from final
