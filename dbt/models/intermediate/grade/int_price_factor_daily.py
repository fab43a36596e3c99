"""Factors of the catalogue that grades are made of, from prices and volumes alone."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.factors import catalogue_by_name, compute_factors

    seed = dbt.ref("cfg_grade_factor").pl()
    newest = seed.filter(pl.col("version") == pl.col("version").max().over("grade"))
    known = catalogue_by_name()
    names = [name for name in newest["factor"].to_list() if name in known]
    # a venue whose close was rejected traded all the same; its absence would be a fall
    bars = (
        dbt.ref("int_asset_bar_daily")
        .select("asset_id, day, high_usd, low_usd, close_usd, traded_volume_usd as volume_usd")
        .pl()
        .lazy()
    )
    members = (
        dbt.ref("int_universe_membership_daily")
        .filter("universe_id = 'core'")
        .select("asset_id, day, is_member as in_universe")
        .pl()
        .lazy()
    )
    panel = bars.join(members, on=["asset_id", "day"], how="left")
    return compute_factors(panel, names).collect().to_arrow()
