"""M-8: bull, bear or neutral, once it has stood for the days that the seed asks for."""


def model(dbt, session):  # noqa: ARG001
    dbt.config(materialized="table")

    import polars as pl

    from pipelines.analytics.parameters import newest_version
    from pipelines.analytics.regime import confirmed, market_mood

    seed = newest_version(dbt.ref("cfg_regime").pl())
    total = dbt.ref("int_market_total_daily").pl().lazy()
    breadth = dbt.ref("int_market_breadth_daily").pl().lazy()

    mood = market_mood(
        total.select("day", "total_mcap_usd", "total_mcap_sma_200_usd").join(
            breadth.select("day", "breadth_above_sma50"), on="day", how="left"
        ),
        bull_breadth=float(seed["bull_breadth_frac"]),
    ).with_columns(pl.lit("market").alias("market_id"))
    return (
        confirmed(
            mood, entity="market_id", label="mood", days=int(seed["confirm_d"]), alias="regime"
        )
        .select("day", "mood", "regime")
        .sort("day")
        .collect()
        .to_arrow()
    )
