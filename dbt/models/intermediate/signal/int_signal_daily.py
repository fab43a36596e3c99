"""Positions of -1, 0 and 1 out of grades. One row per asset and day."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.parameters import combined, fingerprint, from_seed, newest_version
    from pipelines.analytics.signals import SignalParameters, signals

    grades = dbt.ref("int_signal_input_daily").pl()
    seed = dbt.ref("cfg_signal").pl()
    numbers = newest_version(seed)
    numbers.pop("cost_bps")  # what a change costs is the performance's
    parameters = from_seed(SignalParameters, numbers)
    # an empty warehouse has no grades, and so no version of them
    grade_version = pl.lit(grades["grade_version"].first(), pl.String)
    weights_hash = combined(grades["weights_hash"].first() or "", fingerprint(parameters))
    return (
        signals(grades.lazy(), parameters)
        .with_columns(
            grade_version.alias("grade_version"),
            (grade_version + f".{seed['version'].max()}").alias("signal_version"),
            pl.lit(weights_hash).alias("weights_hash"),
        )
        .collect()
        .to_arrow()
    )
