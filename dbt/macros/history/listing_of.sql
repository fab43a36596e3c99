{#-
    A source's list with all that its versions say: one row for whatever was ever in it. What leaves
    the list, or is cut off from an answer, keeps its past: it keeps the description that it had, and
    gets an end.

    Arguments:
        relation: a history model of a snapshot.
        key: columns by which the source tells entries apart.
        spelling: columns by which its other tables name an entry; none: the key. An entry that was
            respelled has a row for each spelling, of which the earlier ones are over.
        is_live: SQL that is true for a version in which the entry is in use.

    Columns: the history model's, of the newest version that describes the entry, and
        first_known_at   when it was first known
        is_live          the newest version is in use (what left the list is not)
        was_seen_live    some version was
        gone_seen_at     when it was first seen not to be in use any more; NULL while it is
-#}
{% macro listing_of(relation, key, spelling=none, is_live='true') %}
    {%- set names = (key + (spelling or [])) | unique | list -%}
    {%- set name_list = names | join(', ') -%}
    with version as (
        select *, not is_deleted and coalesce({{ is_live }}, false) as in_use
        from {{ relation }}
        where {{ is_known() }}
    ),

    -- a deletion names the key and nothing else
    extent as (
        select
            {{ name_list }},
            min(known_at) as first_known_at,
            max(case when in_use then known_at end) as last_live_at
        from version
        where not is_deleted
        group by {{ name_list }}
    ),

    ended as (
        select
            {% for name in names %}extent.{{ name }}, {% endfor %}
            min(version.known_at) as gone_seen_at
        from extent
        inner join version
            on {% for name in key %}extent.{{ name }} = version.{{ name }} and {% endfor %}
            (extent.last_live_at is null or version.known_at > extent.last_live_at)
        group by {% for name in names %}extent.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
    ),

    described as (
        select *
        from version
        where not is_deleted
        qualify row_number() over (
            partition by {{ name_list }} order by known_at desc, load_id desc
        ) = 1
    )

    select
        described.*,
        extent.first_known_at,
        ended.gone_seen_at is null as is_live,
        extent.last_live_at is not null as was_seen_live,
        ended.gone_seen_at
    from described
    inner join extent using ({{ name_list }})
    left join ended using ({{ name_list }})
{% endmacro %}
