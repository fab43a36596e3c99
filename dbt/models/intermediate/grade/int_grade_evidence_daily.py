"""What each grade was worth lately, by returns that have ended: it may be read by what decides."""


def model(dbt, session):  # noqa: ARG001
    dbt.config(materialized="table")

    from pipelines.analytics.evidence import EvidenceParameters, known_ic
    from pipelines.analytics.parameters import newest_version

    scores = dbt.ref("int_measure_score_daily").filter("measure_kind = 'grade'").pl().lazy()
    closes = dbt.ref("int_signal_close_daily").select("asset_id, day, close_usd").pl().lazy()
    alert = newest_version(dbt.ref("cfg_alert").pl())
    quality = newest_version(dbt.ref("cfg_signal_quality").pl())
    parameters = EvidenceParameters(
        horizon_d=int(alert["evidence_horizon_d"]),
        window_d=int(alert["evidence_window_d"]),
        min_obs=int(alert["evidence_min_obs"]),
        skip_d=int(quality["skip_d"]),
        min_assets=int(quality["min_assets"]),
    )
    return known_ic(scores, closes, parameters).collect().to_arrow()
