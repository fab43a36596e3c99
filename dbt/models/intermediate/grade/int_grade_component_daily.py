"""What each factor adds to a grade. One row per asset, day, grade and factor."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.grade_seeds import grade_parameters
    from pipelines.analytics.scoring import grade_components

    seeds = {
        "grades": dbt.ref("cfg_grade").pl(),
        "groups": dbt.ref("cfg_grade_group").pl(),
        "factors": dbt.ref("cfg_grade_factor").pl(),
        "labels": dbt.ref("cfg_grade_label").pl(),
    }
    graded = {
        "trader_grade": dbt.ref("int_trader_grade_daily").pl(),
        "trend_score": dbt.ref("int_trend_score_daily").pl(),
        "investor_grade": dbt.ref("int_investor_grade_daily").pl(),
    }
    return (
        pl.concat(
            grade_components(frame.lazy(), grade_parameters(grade, **seeds)).with_columns(
                # typed: an empty warehouse has no grades, and so no version of them
                pl.lit(frame["grade_version"].first(), pl.String).alias("grade_version"),
                pl.lit(frame["weights_hash"].first(), pl.String).alias("weights_hash"),
            )
            for grade, frame in graded.items()
        )
        .collect()
        .to_arrow()
    )
