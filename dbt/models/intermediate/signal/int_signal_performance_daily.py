"""What following the signal earned, and what holding did. One row per asset and day."""


def model(dbt, session):  # noqa: ARG001
    from pipelines.analytics.parameters import newest_version
    from pipelines.analytics.signals import performance

    closes = dbt.ref("int_signal_close_daily").pl().lazy()
    seed = dbt.ref("cfg_signal").pl()
    cost_bps = float(newest_version(seed)["cost_bps"])
    return performance(closes, cost_bps=cost_bps).collect().to_arrow()
