"""Each narrative's basket against the market. One row per narrative and day held."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.parameters import newest_version
    from pipelines.analytics.regime import (
        NARRATIVE,
        basket_index,
        basket_weights,
        confirmed,
        days_in_label,
        rotation,
    )

    seed = newest_version(dbt.ref("cfg_narrative").pl())
    alerts = newest_version(dbt.ref("cfg_alert").pl())
    members = dbt.ref("int_narrative_member_daily").pl().lazy()
    prices = dbt.ref("int_narrative_price_daily").pl().lazy()
    market = dbt.ref("int_market_total_daily").pl().lazy()
    fewest = int(seed["min_members"])

    weights = basket_weights(members, prices, cap=float(seed["cap_weight"]), min_members=fewest)
    baskets = basket_index(weights, base_level=float(seed["index_base"]), min_members=fewest)
    largest = weights.group_by(NARRATIVE, "day").agg(
        pl.col("weight").max().alias("largest_weight"),
        pl.col("is_capped").any().alias("is_capped"),
    )
    turning = rotation(
        baskets.join(
            market.select("day", pl.col("market_index").alias("benchmark_level")),
            on="day",
            how="left",
        ),
        entity=NARRATIVE,
        fast=int(seed["rs_fast_d"]),
        slow=int(seed["rs_slow_d"]),
        momentum=int(seed["rs_momentum_d"]),
        centre=float(seed["rs_centre"]),
    )
    staying = days_in_label(
        turning,
        entity=NARRATIVE,
        label="quadrant",
        max_gap_d=int(seed["max_gap_d"]),
        alias="days_in_quadrant",
    )
    steady = confirmed(
        staying,
        entity=NARRATIVE,
        label="quadrant",
        days=int(alerts["narrative_confirm_d"]),
        alias="quadrant_confirmed",
    )
    return (
        steady.join(largest, on=[NARRATIVE, "day"], how="left")
        .sort(NARRATIVE, "day")
        .collect()
        .to_arrow()
    )
