"""A breakdown of a correlation, from its beginning until it clears."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.alerts import latch
    from pipelines.analytics.parameters import newest_version

    seed = newest_version(dbt.ref("cfg_correlation").pl())
    pairs = dbt.ref("int_pair_correlation_daily").pl().lazy()
    recent, prior = pl.col("corr_30d"), pl.col("corr_prior_90d")

    marked = pairs.select(
        "a_id",
        "b_id",
        "day",
        (
            (pl.col("fisher_z") <= float(seed["breakdown_z"]))
            & (recent <= prior - float(seed["breakdown_fall"]))
            & (prior >= float(seed["breakdown_min_prior"]))
        ).alias("_breaks"),
        (recent >= prior - float(seed["clear_fall"])).alias("_clears"),
    )
    flagged = latch(
        marked, keys=["a_id", "b_id"], rises="_breaks", clears="_clears", alias="breakdown_flag"
    )
    return (
        flagged.select("a_id", "b_id", "day", "breakdown_flag", "breakdown_flag_edge")
        .sort("a_id", "b_id", "day")
        .collect()
        .to_arrow()
    )
