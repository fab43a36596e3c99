"""Every change of every depeg event, on the day that it became known."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.depeg import DepegParameters, depeg_log
    from pipelines.analytics.parameters import from_seed

    deviations = dbt.ref("int_depeg_input_daily").pl().lazy()
    seed = dbt.ref("cfg_depeg").pl()
    newest = seed.filter(pl.col("version") == pl.col("version").max()).drop("version")
    logs = []
    for thresholds in newest.sort("peg_class").to_dicts():
        coins = deviations.filter(pl.col("peg_class") == thresholds.pop("peg_class"))
        logs.append(depeg_log(coins, from_seed(DepegParameters, thresholds)))
    # what rests on a reference that was published later was not known before
    published = deviations.select(
        "stablecoin_id", "decidable_day", "price_quality", "evidence", known_from_day="day"
    ).unique(["stablecoin_id", "known_from_day"])
    log = (
        pl.concat(logs)
        .join(published, on=["stablecoin_id", "known_from_day"], how="left")
        .sort("stablecoin_id", "known_from_day")
        .with_columns(known_from_day=pl.max_horizontal("known_from_day", "decidable_day"))
        .drop("decidable_day")
        # of two changes that became known together the later one says it all
        .unique(["event_key", "known_from_day"], keep="last", maintain_order=True)
    )
    return log.collect().to_arrow()
