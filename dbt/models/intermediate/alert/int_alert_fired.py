"""Which of the triggered days fire, after re-arming and silences."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.alerts import cooling_down, new_high, rearming
    from pipelines.analytics.parameters import newest_version

    triggers = dbt.ref("int_alert_trigger_daily").pl().lazy()
    seed = dbt.ref("cfg_alert").pl()
    numbers = newest_version(seed)
    highs = dbt.ref("int_alert_high_daily").pl().lazy()
    series = ["kind", "entity_kind", "entity_id"]
    silences = {
        "grade_shift": int(numbers["grade_shift_cool_down_d"]),
        "supply_shock": int(numbers["supply_cool_down_d"]),
        "narrative_shift": int(numbers["narrative_cool_down_d"]),
        "tvl_surge": int(numbers["tvl_surge_cool_down_d"]),
        "rank_overtake": int(numbers["rank_cool_down_d"]),
    }
    fired = [
        rearming(
            triggers.filter(
                pl.col("kind").is_in(["volume_spike", "corr_breakdown", "grade_evidence_negative"])
            ),
            keys=series,
            trigger="is_triggered",
            rearm="is_armed",
        )
    ]
    fired += [
        cooling_down(
            triggers.filter(pl.col("kind") == kind), keys=series, trigger="is_triggered", days=days
        )
        for kind, days in silences.items()
    ]
    # the old high is the threshold: the greatest value of all days before
    before = pl.col("alert_value").cum_max().shift(1).over("entity_kind", "entity_id", "ref_id")
    fired.append(
        new_high(
            highs,
            keys=["entity_kind", "entity_id", "ref_id"],
            value="alert_value",
            days_below=int(numbers["ath_days_below"]),
        ).with_columns(before.alias("threshold"), pl.lit("ath").alias("kind"))
    )
    columns = [*series, "ref_id", "day", "alert_value", "threshold", "fires"]
    return (
        pl.concat(frame.select(columns) for frame in fired)
        .filter(pl.col("fires"))
        .drop("fires")
        .collect()
        .to_arrow()
    )
