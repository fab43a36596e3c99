"""Each strategy's positions, day by day. One row per strategy, position and day."""


def model(dbt, session):  # noqa: ARG001
    from pipelines.analytics.strategies import ledgers

    market = dbt.ref("int_strategy_input_daily").pl()
    return ledgers(market, dbt.ref("cfg_strategy").pl()).to_arrow()
