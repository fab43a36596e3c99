"""The indicators, in the units of each row's own day."""


def model(dbt, session):  # noqa: ARG001
    from pipelines.analytics.calendar import to_current_units
    from pipelines.analytics.levels import weekly_pivots
    from pipelines.analytics.parameters import from_seed, newest_version
    from pipelines.analytics.technical import TechnicalParameters, price_columns, technical

    bars = dbt.ref("int_asset_bar_daily").pl().lazy()
    seed = newest_version(dbt.ref("cfg_technical").pl())
    min_week_days = int(seed.pop("min_week_days"))
    seed.pop("xsmom_min_assets")  # a cross-section: it is the mart's
    parameters = from_seed(TechnicalParameters, seed)

    # a venue whose close was rejected traded all the same; its absence would be a fall
    bars = bars.with_columns(volume_usd="traded_volume_usd")
    indicators = technical(bars, parameters)
    indicators = weekly_pivots(indicators, min_days=min_week_days)
    return to_current_units(indicators, columns=price_columns(parameters)).collect().to_arrow()
