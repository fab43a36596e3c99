"""Closes that clear a level which the market had tested and which was known the day before."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.alerts import LevelCrossParameters, level_crosses
    from pipelines.analytics.parameters import newest_version

    # in first units: a change of units moves the close and the level alike, and crosses nothing
    bars = dbt.ref("int_level_cross_bar_daily").pl()
    numbers = newest_version(dbt.ref("cfg_alert").pl())
    # one swing is a price; where the market turned again is a level
    levels = (
        dbt.ref("int_level_daily")
        .filter(f"swing_count >= {int(numbers['level_min_swings'])}")
        .select("asset_id, day, level_id, level_usd")
        .pl()
    )
    parameters = LevelCrossParameters(
        rearm_atr=float(numbers["level_rearm_atr"]), clear_atr=float(numbers["level_clear_atr"])
    )
    units = bars.lazy().select("asset_id", "day", "unit_ratio")
    in_first_units = (
        levels.lazy()
        .join(units, on=["asset_id", "day"])
        .with_columns(pl.col("level_usd") * pl.col("unit_ratio"))
    )
    return (
        level_crosses(in_first_units, bars.lazy(), parameters, atr="atr_usd")
        .join(units, on=["asset_id", "day"])
        .with_columns(
            pl.col("level_usd") / pl.col("unit_ratio"), pl.col("close_usd") / pl.col("unit_ratio")
        )
        .drop("unit_ratio")
        .collect()
        .to_arrow()
    )
