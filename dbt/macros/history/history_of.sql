{#-
    The versions of a raw table's facts: one row per fact and content, appended when a load says
    something else than the load before it, or no longer has the fact (`is_deleted`).

    Which facts a load no longer has follows from the extraction log: its answer for an entity and
    window is complete (status 'ok'), so a fact known before and absent in it is gone. Of a list that
    was cut off (see `listing_answers`) nothing follows.

    Arguments:
        source_name, table_name: the raw table.
        key: columns that identify a fact.
        entity: the column by which the source is asked (`entity_id` of the log); none: all at once.
        at: the key's instant, tested against the log's window; none: a snapshot without time.
        complete_at: SQL of the instant at which a fact is final. What was fetched before it is the
            state of an open candle or a running day, not an observation.

    Columns: the raw table's, and
        content_hash  md5 over the payload; 'deleted' for a tombstone
        is_deleted    true: from known_at on the source does not have the fact; payload NULL
        known_at      the run's clock when the source said so
        load_id       the load that brought it
-#}
{% macro history_of(source_name, table_name, key, entity=none, at=none, complete_at=none) -%}
    {%- do source(source_name, table_name) -%}
    {%- do source(source_name, 'extraction') -%}
    {%- if at is none -%}{%- do ref('cfg_listing') -%}{%- endif -%}
    {%- if not execute -%}
        select 1
    {%- else -%}
        {%- set declared = graph.sources['source.' ~ project_name ~ '.' ~ source_name ~ '.' ~ table_name].columns -%}
        {%- set facts = declared.keys() | reject('in', ['fetched_at', '_dlt_load_id']) | list -%}
        {%- set payload = facts | reject('in', key) | list -%}
        {%- set plan = history_plan() -%}
        {%- set has_known = not plan.is_fresh -%}
        {%- set raw_columns = facts + ['fetched_at', '_dlt_load_id'] -%}
        {%- set quoted_key = [] -%}
        {%- for name in key -%}{%- do quoted_key.append(adapter.quote(name)) -%}{%- endfor -%}
        {%- set key_list = quoted_key | join(', ') %}

with raw as (
    {{ raw_rows(source_name, table_name, plan.loads, raw_columns) }}
),

observed as (
    select
        {% for name in facts %}{{ adapter.quote(name) }}, {% endfor %}
        {{ content_hash(payload) }} as content_hash,
        fetched_at as known_at,
        _dlt_load_id as load_id
    from raw
    {% if complete_at is not none %}
        where fetched_at >= {{ complete_at }}
    {% endif %}
),

-- a load that says two things about one fact (a page received twice while it changed): the later
-- word counts, and between simultaneous ones the hash decides, so that row order never does
present as (
    select *
    from observed
    qualify row_number() over (
        partition by {{ key_list }}, load_id
        order by known_at desc, content_hash desc
    ) = 1
),

{% if at is none %}
list_log as (
    select
        '{{ source_name }}' as source,
        *,
        fetched_at as known_at,
        _dlt_load_id as load_id
    from (
        {{ raw_rows(
            source_name, 'extraction', plan.list_loads,
            ['table_name', 'entity_id', 'window_start', 'status', 'rows_landed', 'fetched_at', '_dlt_load_id']
        ) }}
    )
    where table_name = '{{ table_name }}'
),

cut_off as (
    select load_id
    from ({{ listing_answers('list_log') }})
    where is_cut_off
),
{% endif %}

answer as (
    select
        entity_id,
        _dlt_load_id as load_id,
        window_start,
        window_end,
        fetched_at as known_at
    from (
        {{ raw_rows(
            source_name, 'extraction', plan.loads,
            ['table_name', 'entity_id', 'window_start', 'window_end', 'status', 'rows_quarantined', 'fetched_at', '_dlt_load_id']
        ) }}
    )
    -- a refused row was in the answer: its fact must not be taken for deleted
    where table_name = '{{ table_name }}' and status = 'ok' and coalesce(rows_quarantined, 0) = 0
    {% if at is none %}
        and _dlt_load_id not in (select load_id from cut_off)
    {% endif %}
),

{% if at is not none %}
answer_day as (
    select
        entity_id,
        load_id,
        window_start,
        window_end,
        known_at,
        unnest(
            generate_series(
                date_trunc('day', window_start),
                window_end - interval 1 microsecond,
                interval 1 day
            )
        ) as day_at
    from answer
),
{% endif %}

{% if has_known %}
-- what was known of the days (of a snapshot: of everything) that these loads speak of
known as (
    select {{ key_list }}, content_hash, is_deleted
    from {{ this }}
    {% if at is not none %}
        where date_trunc('day', {{ adapter.quote(at) }}) in (
            select day_at from answer_day
            union
            select date_trunc('day', {{ adapter.quote(at) }}) from present
        )
    {% endif %}
    qualify row_number() over (
        partition by {{ key_list }}
        order by known_at desc, load_id desc
    ) = 1
),
{% endif %}

subject as (
    select {{ key_list }} from present
    {% if has_known %}
        union
        select {{ key_list }} from known where not is_deleted
    {% endif %}
),

covered as (
    {%- set scopes = ['*'] if entity is none else ['*', 'entity'] -%}
    {% for scope in scopes %}
        select
            {% for name in quoted_key %}subject.{{ name }}, {% endfor %}
            answer.load_id,
            max(answer.known_at) as known_at
        from subject
        {% if at is none %}
            inner join answer
                on
        {% else %}
            inner join answer_day as answer
                on answer.day_at = date_trunc('day', subject.{{ adapter.quote(at) }})
                and subject.{{ adapter.quote(at) }} >= answer.window_start
                and subject.{{ adapter.quote(at) }} < answer.window_end
                and
        {% endif %}
                {% if scope == '*' %}
                    answer.entity_id = '*'
                {% else %}
                    answer.entity_id = cast(subject.{{ adapter.quote(entity) }} as varchar)
                {% endif %}
        group by all
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

absent as (
    select {{ key_list }}, load_id, max(known_at) as known_at
    from covered
    anti join present using ({{ key_list }}, load_id)
    group by all
),

statement as (
    select
        {% for name in facts %}{{ adapter.quote(name) }}, {% endfor %}
        content_hash, false as is_deleted, known_at, load_id
    from present
    union all by name
    select {{ key_list }}, 'deleted' as content_hash, true as is_deleted, known_at, load_id
    from absent
),

compared as (
    select
        statement.*,
        coalesce(
            lag(statement.content_hash) over (
                partition by {% for name in quoted_key %}statement.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
                order by statement.known_at, statement.load_id
            ),
            {% if has_known %}
                known.content_hash,
            {% endif %}
            'deleted'
        ) as previous_hash
    from statement
    {% if has_known %}
        left join known
            on {% for name in quoted_key %}statement.{{ name }} = known.{{ name }}{{ ' and ' if not loop.last }}{% endfor %}
    {% endif %}
)

select
    {% for name in facts %}{{ adapter.quote(name) }}, {% endfor %}
    content_hash,
    is_deleted,
    known_at,
    load_id
from compared
where content_hash != previous_hash
    {%- endif -%}
{%- endmacro %}


{#-
    The rows of a log table of all sources, appended once per load: nothing in a log is restated.
    Columns: source, the raw table's, known_at, load_id.
-#}
{% macro log_of(table_name) -%}
    {%- set sources = all_sources() -%}
    {%- for name in sources -%}{%- do source(name, table_name) -%}{%- endfor -%}
    {%- if not execute -%}
        select 1
    {%- else -%}
        {%- set plan = history_plan() -%}
        {%- for name in sources -%}
            {%- set declared = graph.sources['source.' ~ project_name ~ '.' ~ name ~ '.' ~ table_name].columns -%}
            {%- set facts = declared.keys() | reject('in', ['fetched_at', '_dlt_load_id']) | list %}
select
    '{{ name }}' as source,
    {% for column in facts %}{{ adapter.quote(column) }}, {% endfor %}
    fetched_at as known_at,
    _dlt_load_id as load_id
from ({{ raw_rows(name, table_name, plan.loads, facts + ['fetched_at', '_dlt_load_id']) }})
{{ 'union all' if not loop.last }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
