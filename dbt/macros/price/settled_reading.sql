{#-
    One day's reading, from the close that was last believed and the one that is pending: its close,
    what it says about the pending one, and what the next day has to know.

    Argument: a query with a row per asset and reading, and the columns asset_id, day,
    reading_number, open_usd, close_usd, low_usd, high_usd, is_alone, is_disputed, is_comparable,
    jump_log_return, believed_before_usd, pending_before_usd.
-#}
{% macro settled_reading(reading) %}
    select
        asset_id,
        day,
        reading_number,
        is_disputed,
        settled_close_usd,
        prior_close_verdict,
        case when is_jump then base_usd else settled_close_usd end as believed_usd,
        case when is_jump then settled_close_usd end as pending_usd
    from (
        select
            *,
            coalesce(
                is_alone and is_comparable and abs(ln(settled_close_usd / base_usd)) > jump_log_return,
                false
            ) as is_jump
        from (
            select
                *,
                case
                    when prior_close_verdict = 'confirmed' then pending_before_usd
                    else believed_before_usd
                end as base_usd
            from (
                select
                    *,
                    case
                        when pending_before_usd is null or not is_comparable then null
                        when abs(ln(coalesce(known_open_usd, settled_close_usd) / pending_before_usd))
                            <= abs(ln(coalesce(known_open_usd, settled_close_usd) / believed_before_usd))
                            then 'confirmed'
                        else 'refuted'
                    end as prior_close_verdict
                from (
                    select
                        *,
                        case
                            when not is_disputed or believed_before_usd is null then close_usd
                            when abs(low_usd - believed_before_usd)
                                <= abs(high_usd - believed_before_usd)
                                then low_usd
                            else high_usd
                        end as settled_close_usd,
                        -- the first that was traded after what is pending
                        case when not is_disputed and open_usd > 0 then open_usd end as known_open_usd
                    from ({{ reading }}) as reading
                ) as closed
            ) as compared
        ) as based
    ) as judged
{% endmacro %}
