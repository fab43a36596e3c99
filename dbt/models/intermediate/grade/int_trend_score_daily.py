"""The trend score with the scores behind it. One row per asset and day."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.grade_seeds import FactorParameters, grade_parameters, grade_version
    from pipelines.analytics.parameters import fingerprint, from_seed, newest_version
    from pipelines.analytics.scoring import assemble_grade, score_factors

    grades = dbt.ref("cfg_grade").pl()
    inside = dbt.ref("cfg_factor").pl()
    parameters = grade_parameters(
        "trend_score",
        grades=grades,
        groups=dbt.ref("cfg_grade_group").pl(),
        factors=dbt.ref("cfg_grade_factor").pl(),
        labels=dbt.ref("cfg_grade_label").pl(),
    )
    version = f"{grade_version('trend_score', grades)}.{inside['version'].max()}"
    weights_hash = fingerprint(parameters, from_seed(FactorParameters, newest_version(inside)))

    values = dbt.ref("int_trader_factor_daily").pl().lazy()
    return (
        assemble_grade(score_factors(values, parameters), parameters)
        .with_columns(
            pl.lit(version).alias("grade_version"), pl.lit(weights_hash).alias("weights_hash")
        )
        .collect()
        .to_arrow()
    )
