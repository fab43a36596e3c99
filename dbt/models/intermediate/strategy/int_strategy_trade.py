"""What became of each position. One row per strategy, asset and day of entry."""


def model(dbt, session):  # noqa: ARG001
    from pipelines.analytics.strategies import per_strategy, trades

    return per_strategy(trades, dbt.ref("int_strategy_ledger_daily").pl()).to_arrow()
