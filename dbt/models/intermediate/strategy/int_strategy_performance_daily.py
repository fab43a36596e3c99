"""The equity of each strategy. One row per strategy and day from its first position on."""


def model(dbt, session):  # noqa: ARG001
    from functools import partial

    from pipelines.analytics.strategies import per_strategy, performance

    ((last_day,),) = dbt.ref("int_strategy_input_daily").max("day").fetchall()
    ledger = dbt.ref("int_strategy_ledger_daily").pl()
    return per_strategy(partial(performance, last_day=last_day), ledger).to_arrow()
