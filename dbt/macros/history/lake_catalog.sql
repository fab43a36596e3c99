{#- Where the lake is: a folder of the data directory, or a bucket's URL. -#}
{% macro lake_dir() -%}
    {{ return((env_var('TOKENMART_LAKE_URL', '') or env_var('TOKENMART_DATA_DIR', '../data') ~ '/lake').rstrip('/')) }}
{%- endmacro %}


{#- True if at least one file matches the path or pattern. -#}
{% macro file_exists(path) -%}
    {% if not execute %}{{ return(false) }}{% endif %}
    {{ return(run_query("select count(*) from glob('" ~ path ~ "')").columns[0].values()[0] > 0) }}
{%- endmacro %}


{#-
    Runs once before everything else: takes a copy of the lake's list of files, so that every model
    of this run, and what it notes as consumed, sees the same loads even while an extraction goes on.
-#}
{% macro prepare_history() -%}
    {% if execute %}
        create schema if not exists history;

        -- which loads each history model has taken in; written in the model's own transaction
        create table if not exists history.consumed_load (
            model varchar not null,
            source varchar not null,
            load_id varchar not null,
            fetched_at timestamptz not null
        );

        create or replace table history.lake_file as
        {% set catalog = lake_dir() ~ '/catalog.parquet' %}
        {% if file_exists(catalog) %}
            select
                source,
                table_name,
                load_id,
                -- a load without rows has no instant of its own: nothing in it needs an order
                coalesce(fetched_at, timestamptz '1970-01-01 00:00:00+00') as fetched_at,
                case
                    when path like '/%' or path like '%://%' then path
                    else '{{ lake_dir() }}/' || path
                end as path
            from read_parquet('{{ catalog }}')
        {% else %}
            select
                null::varchar as source,
                null::varchar as table_name,
                null::varchar as load_id,
                null::timestamptz as fetched_at,
                null::varchar as path
            where false
        {% endif %};
    {% endif %}
{%- endmacro %}


{#-
    Which loads the current history model has to read.

    A load that is older than one already taken in (two sources' runs that overtook each other, a
    file that came late to a bucket) would have to be put between versions that exist: then the
    model starts again from all loads, so that the order of arrival never shows.

    Returns a mapping: is_fresh (the model starts from nothing), loads (list of [source, load_id]),
    list_loads (those, and all that a list in them may be held against).
-#}
{% macro history_plan() -%}
    {% set sources = model.sources | map('first') | unique | list %}
    {% set loads %}
        select source, load_id, max(fetched_at) as fetched_at
        from history.lake_file
        where source in ('{{ sources | join("', '") }}')
        group by source, load_id
    {% endset %}
    {% set is_fresh = not is_incremental() %}
    {% if not is_fresh %}
        {% set overtaken %}
            with load as ({{ loads }}),

            consumed as (
                select source, load_id, fetched_at
                from history.consumed_load
                where model = '{{ model.name }}'
            ),

            newest as (
                select source, max((fetched_at, load_id)) as position
                from consumed
                group by source
            )

            select count(*)
            from load
            inner join newest on load.source = newest.source
            where (load.fetched_at, load.load_id) < newest.position
                and not exists (
                    select 1 from consumed
                    where consumed.source = load.source and consumed.load_id = load.load_id
                )
        {% endset %}
        {% if run_query(overtaken).columns[0].values()[0] > 0 %}
            {% set is_fresh = true %}
        {% endif %}
    {% endif %}
    {% set pending %}
        with load as ({{ loads }})

        select source, load_id
        from load
        {% if not is_fresh %}
            where not exists (
                select 1 from history.consumed_load as consumed
                where consumed.model = '{{ model.name }}'
                    and consumed.source = load.source
                    and consumed.load_id = load.load_id
            )
        {% endif %}
        order by source, load_id
    {% endset %}
    {% set found = [] %}
    {% for row in run_query(pending).rows %}
        {% do found.append([row[0], row[1]]) %}
    {% endfor %}
    {# the log of a source's loads is small: a list is held against any of them #}
    {% set list_loads = [] %}
    {% for row in run_query("select distinct source, load_id from (" ~ loads ~ ") order by source, load_id").rows %}
        {% do list_loads.append([row[0], row[1]]) %}
    {% endfor %}
    {{ return({'is_fresh': is_fresh, 'loads': found, 'list_loads': list_loads}) }}
{%- endmacro %}


{#- Pre-hook of history models. Always a statement: the first one opens the transaction. -#}
{% macro open_consumption() -%}
    {% if execute %}
        {% set plan = history_plan() %}
        {% if plan.is_fresh %}
            delete from history.consumed_load where model = '{{ model.name }}';
            {% if is_incremental() %}
                delete from {{ this }};
            {% endif %}
        {% else %}
            select 1
        {% endif %}
    {% endif %}
{%- endmacro %}


{#- Post-hook of history models: what was read is noted in the same transaction. -#}
{% macro close_consumption() -%}
    {% if execute %}
        {% set sources = model.sources | map('first') | unique | list %}
        insert into history.consumed_load
        select '{{ model.name }}' as model, source, load_id, max(fetched_at) as fetched_at
        from history.lake_file
        where source in ('{{ sources | join("', '") }}')
            and not exists (
                select 1 from history.consumed_load as consumed
                where consumed.model = '{{ model.name }}'
                    and consumed.source = lake_file.source
                    and consumed.load_id = lake_file.load_id
            )
        group by source, load_id
    {% endif %}
{%- endmacro %}


{#-
    The rows of a raw table that the given loads brought, with the columns and types that the
    source declares; without files an empty relation of the same shape.
-#}
{% macro raw_rows(source_name, table_name, loads, columns) -%}
    {% set declared = graph.sources['source.' ~ project_name ~ '.' ~ source_name ~ '.' ~ table_name].columns %}
    {% set load_ids = loads | selectattr(0, 'equalto', source_name) | map(attribute=1) | list %}
    {% set paths = [] %}
    {% if load_ids %}
        {% set files %}
            select distinct path from history.lake_file
            where source = '{{ source_name }}' and table_name = '{{ table_name }}'
                and load_id in ('{{ load_ids | join("', '") }}')
            order by path
        {% endset %}
        {% set paths = run_query(files).columns[0].values() %}
    {% endif %}
    select
        {% for name in columns %}
            cast({{ adapter.quote(name) }} as {{ declared[name].data_type }}) as {{ adapter.quote(name) }}
            {{- ',' if not loop.last }}
        {% endfor %}
    from (
        select
            {% for name in columns %}
                cast(null as {{ declared[name].data_type }}) as {{ adapter.quote(name) }}
                {{- ',' if not loop.last }}
            {% endfor %}
        where false
        {% if paths %}
            -- a column that older files lack is NULL in their rows
            union all by name
            select *
            from read_parquet(
                ['{{ paths | join("', '") }}'],
                union_by_name = true,
                hive_partitioning = false
            )
            -- a compacted file has other loads' rows as well
            where _dlt_load_id in ('{{ load_ids | join("', '") }}')
        {% endif %}
    )
{%- endmacro %}
