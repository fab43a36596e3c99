"""What the market is and where shares move, once it has stood for the days that the seed asks."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.parameters import newest_version
    from pipelines.analytics.regime import confirmed, market_mood

    seed = newest_version(dbt.ref("cfg_regime").pl())
    total = dbt.ref("int_market_total_daily").pl().lazy()
    breadth = dbt.ref("int_market_breadth_daily").pl().lazy()

    by_itself = market_mood(
        total.select("day", "total_mcap_usd", "total_mcap_sma_200_usd", "rotation").join(
            breadth.select("day", "breadth_above_sma50"), on="day", how="left"
        ),
        bull_breadth=float(seed["bull_breadth_frac"]),
    ).with_columns(pl.lit("market").alias("market_id"))
    labelled = by_itself
    for label, days, alias in (
        ("mood", seed["confirm_d"], "regime"),
        ("rotation", seed["rotation_confirm_d"], "rotation_phase"),
    ):
        labelled = confirmed(
            labelled, entity="market_id", label=label, days=int(days), alias=alias
        ).select("market_id", "day", "mood", "rotation", "^(regime|rotation_phase)$")
    return (
        labelled.select("day", "mood", "regime", "rotation_phase").sort("day").collect().to_arrow()
    )
