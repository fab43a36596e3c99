"""What each strategy earned, over all days and by year. One row per strategy and period."""


def model(dbt, session):  # noqa: ARG001
    from pipelines.analytics.strategies import per_strategy, summary

    daily = dbt.ref("int_strategy_performance_daily").pl()
    return per_strategy(summary, daily, dbt.ref("int_strategy_trade").pl()).to_arrow()
