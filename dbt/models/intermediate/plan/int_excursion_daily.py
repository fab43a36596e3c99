"""How far prices usually go for and against a position. One row per asset and day."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.excursions import ExcursionParameters, excursions

    bars = dbt.ref("int_asset_bar_daily").pl().lazy()
    ranges = dbt.ref("int_technical_daily").select("asset_id, day, atr_14").pl().lazy()
    # in first units, as the bars are
    ranged = bars.join(ranges, on=["asset_id", "day"], how="left").with_columns(
        (pl.col("atr_14") * pl.col("unit_ratio")).alias("atr_usd")
    )
    parameters = ExcursionParameters.from_plan(dbt.ref("cfg_plan").pl())
    return excursions(ranged, parameters).collect().to_arrow()
