"""C.6.4: every change of every depeg event, on the day that it became known."""


def model(dbt, session):  # noqa: ARG001
    dbt.config(materialized="table")

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
    return pl.concat(logs).collect().to_arrow()
