import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="First steps")

with app.setup:
    import altair as alt
    import marimo as mo
    import polars as pl

    from notebooks.publication import choices, current, say, table


@app.cell
def _():
    mo.md("""
    # First steps

    A publication is one DuckDB file. It is opened read-only, asked in SQL, and answers in Polars.
    This page asks four things: what there is, what a column means, what an asset cost, and how much
    of that is missing.
    """)
    return


@app.cell
def _():
    published = current("price_daily", "dim_asset", "meta_metric_catalog")
    return (published,)


@app.cell
def _(published):
    marts = published.ask(
        """
        select table_name as mart, comment as what_a_row_is, estimated_size as row_count
        from duckdb_tables()
        where schema_name = 'marts'
        order by table_name
        """
    )
    newest = published.ask(
        "select max(day) as day, max(as_of_ts) as known_at from marts.price_daily"
    )
    say(
        f"""
        ## What there is

        **{len(marts)} marts** with {marts["row_count"].sum():,} rows. The newest day is
        **{newest["day"].item()}**, as it was known on {newest["known_at"].item():%Y-%m-%d %H:%M} UTC.
        Each mart says in its comment what a row is.
        """
    )
    return (marts,)


@app.cell
def _(marts):
    table(marts, rows=10, wrapped=["what_a_row_is"], row_count="{:,}")
    return


@app.cell
def _(published):
    described = published.ask("select distinct mart from marts.meta_metric_catalog order by mart")[
        "mart"
    ].to_list()
    mart = mo.ui.dropdown(
        described, value="price_daily" if "price_daily" in described else described[0], label="mart"
    )
    mo.md(f"""
    ## What a column means

    The dictionary is a mart too: unit, meaning, formula, and when a value is NULL.
    NULL is unknown; 0 is a measured zero.

    {mart}
    """)
    return (mart,)


@app.cell
def _(mart, published):
    dictionary = published.ask(
        """
        select column_name, unit, description, formula, null_rule
        from marts.meta_metric_catalog
        where mart = ?
        order by column_position
        """,
        mart.value,
    )
    table(dictionary, rows=8, wrapped=["description", "formula", "null_rule"])
    return (dictionary,)


@app.cell
def _(published):
    # joined by id: two assets may share a symbol
    assets = published.ask(
        """
        select price.asset_id, coalesce(any_value(asset.symbol), price.asset_id) as symbol
        from marts.price_daily as price
        inner join marts.dim_asset as asset using (asset_id)
        group by price.asset_id
        order by
            any_value(asset.asset_class) = 'stablecoin' nulls first,
            sum(price.volume_usd) filter (
                where price.day > (select max(day) from marts.price_daily) - 30
            ) desc nulls last,
            price.asset_id
        """
    )
    offered = choices(assets, "symbol", "asset_id")
    asset = mo.ui.dropdown(offered, value=next(iter(offered)), label="asset", searchable=True)
    mo.md(f"""
    ## What an asset cost

    `close_usd` is the canonical price at the end of the UTC day: the volume-weighted median of the venues that could be
    trusted. `price_quality` says how much it stands on.

    {asset}
    """)
    return (asset,)


@app.cell
def _(asset, published):
    prices = published.ask(
        """
        select day, close_usd, volume_usd, n_venues, dispersion_bps, price_quality
        from marts.price_daily
        where asset_id = ?
        order by day
        """,
        asset.value,
    )
    known = prices.drop_nulls("close_usd")
    alt.vconcat(
        alt.Chart(known)
        .mark_line()
        .encode(
            x=alt.X("day:T", title=None),
            y=alt.Y("close_usd:Q", title="close, USD (log)").scale(type="log", nice=False),
            tooltip=["day:T", "close_usd:Q", "n_venues:Q", "price_quality:N"],
        )
        .properties(width=620, height=220),
        alt.Chart(known)
        .mark_bar()
        .encode(x=alt.X("day:T", title=None), y=alt.Y("volume_usd:Q", title="volume, USD"))
        .properties(width=620, height=80),
    ).resolve_scale(x="shared")
    return (prices,)


@app.cell
def _(asset, prices):
    quality = (
        prices.group_by("price_quality")
        .agg(
            days=pl.len(),
            median_venues=pl.col("n_venues").median(),
            median_dispersion_bps=pl.col("dispersion_bps").median().round(2),
        )
        .sort("days", descending=True)
    )
    missing_days = prices["close_usd"].null_count()
    say(
        f"""
        ## How much of it is missing

        `{asset.value}` has {len(prices):,} days from {prices["day"].min()} to {prices["day"].max()}.
        **{missing_days} of them have no price.** Each day has its row all the same: a series without
        holes in its days is one that can be shifted and joined without care.
        """
    )
    return missing_days, quality


@app.cell
def _(quality):
    table(quality)
    return


if __name__ == "__main__":
    app.run()
