"""Support and resistance as known on each day, in the units of that day."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.levels import LevelParameters, levels
    from pipelines.analytics.parameters import from_seed, newest_version

    bars = dbt.ref("int_asset_bar_daily").pl()
    seed = newest_version(dbt.ref("cfg_level").pl())
    seed.pop("max_pivots_per_side")  # pivots are in the indicators already: the mart picks them
    parameters = from_seed(LevelParameters, seed)

    units = bars.lazy().select("asset_id", "day", "unit_ratio")
    return (
        levels(bars.lazy(), parameters)
        .join(units, on=["asset_id", "day"], how="left")
        .with_columns(pl.col("level_usd") / pl.col("unit_ratio"))
        .drop("unit_ratio")
        .collect()
        .to_arrow()
    )
