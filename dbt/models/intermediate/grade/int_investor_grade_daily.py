"""The investor grade with the scores behind it. One row per asset and day."""


def model(dbt, session):  # noqa: ARG001
    from pipelines.analytics.grade_seeds import graded

    found = graded(
        "investor_grade",
        dbt.ref("int_investor_factor_daily").pl().lazy(),
        inside=dbt.ref("cfg_factor").pl(),
        grades=dbt.ref("cfg_grade").pl(),
        groups=dbt.ref("cfg_grade_group").pl(),
        factors=dbt.ref("cfg_grade_factor").pl(),
        labels=dbt.ref("cfg_grade_label").pl(),
    )
    return found.collect().to_arrow()
