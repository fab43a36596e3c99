"""What each grade has been worth so far, by returns that have ended: what decides may read it."""


def model(dbt, session):  # noqa: ARG001
    import polars as pl

    from pipelines.analytics.evidence import evidence_parameters, grade_evidence
    from pipelines.analytics.parameters import newest_version

    graded = {
        "trader_grade": dbt.ref("int_trader_grade_daily"),
        "investor_grade": dbt.ref("int_investor_grade_daily"),
    }
    quality = newest_version(dbt.ref("cfg_signal_quality").pl())
    return grade_evidence(
        pl.concat(
            relation.select(f"'{name}' as grade, asset_id, day, {name} as value").pl()
            for name, relation in graded.items()
        ),
        dbt.ref("int_signal_close_daily").select("asset_id, day, close_usd").pl(),
        dbt.ref("meta_grade_bench").pl(),
        evidence_parameters(dbt.ref("cfg_grade_evidence").pl()),
        skip_d=int(quality["skip_d"]),
        min_assets=int(quality["min_assets"]),
    ).to_arrow()
