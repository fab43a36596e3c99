"""Measures against what came after. The one model that looks forward; nothing decides by it."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.parameters import from_seed, newest_version
    from pipelines.analytics.quality import QualityParameters, measure_quality, strategy_quality

    scores = dbt.ref("int_measure_score_daily").pl().lazy()
    closes = dbt.ref("int_signal_close_daily").select("asset_id, day, close_usd").pl().lazy()
    members = (
        dbt.ref("int_universe_membership_daily")
        .filter("universe_id = 'core' and is_member")
        .select("asset_id, day, universe_rank")
        .pl()
        .lazy()
    )
    funding = dbt.ref("int_asset_derivative_daily").select("asset_id, day, funding_day").pl().lazy()
    performance = (
        dbt.ref("int_signal_performance_daily")
        .select("asset_id, day, effective_signal, strat_ret, hold_ret")
        .pl()
        .lazy()
    )
    parameters = from_seed(QualityParameters, newest_version(dbt.ref("cfg_signal_quality").pl()))
    return (
        pl.concat(
            [
                measure_quality(scores, closes, parameters, members, funding),
                strategy_quality(performance, "signal", parameters),
            ]
        )
        .collect()
        .to_arrow()
    )
