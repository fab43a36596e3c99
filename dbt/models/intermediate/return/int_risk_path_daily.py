"""What depends on the path of returns, or on their order by size."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.distribution import DistributionParameters, return_distribution
    from pipelines.analytics.parameters import newest_version
    from pipelines.analytics.risk import Window, ewma_volatility, max_drawdown

    seed = newest_version(dbt.ref("cfg_risk_measure").pl())
    frame = (
        dbt.ref("int_asset_return_daily")
        .pl()
        .lazy()
        .select("asset_id", "day", "settled_close_usd", logret_1d="settled_logret_1d")
        .with_columns((pl.col("logret_1d").exp() - 1).alias("ret_1d"))
    )
    frame = ewma_volatility(
        frame,
        decay=seed["ewma_decay"],
        seed_obs=seed["ewma_seed_obs"],
        max_gap_d=seed["max_gap_d"],
        days_per_year=365,
    )
    for days in (90, 365):
        window = Window(days=days, min_obs=seed["drawdown_min_obs"])
        frame = max_drawdown(frame, window=window, value="settled_close_usd")
    frame = return_distribution(
        frame,
        DistributionParameters(
            window=Window(days=seed["distribution_d"], min_obs=seed["distribution_min_obs"]),
            tail_frac=seed["tail_frac"],
            sd_floor=seed["sd_floor"],
        ),
    )
    return frame.drop("settled_close_usd", "logret_1d", "ret_1d").collect().to_arrow()
