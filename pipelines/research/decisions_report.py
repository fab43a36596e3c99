"""What became of thresholds, stops and targets, for people: a page and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipelines.research.decisions import EXCESS, Decided
from pipelines.research.page import heading, page, sentence, table

YEAR_D = 365


def headline(decided: Decided) -> pl.DataFrame:
    """What was chosen and what it did outside, beside what is published; returns are of a year."""
    return decided.walk_forward.select(
        "fold",
        "test_first_day",
        "test_last_day",
        "chosen",
        (pl.col("inside") * YEAR_D).alias("inside_ann"),
        (pl.col(EXCESS) * YEAR_D).alias("excess_ann"),
        "t_stat",
        (pl.col(EXCESS) / pl.col("gross_frac") * YEAR_D).alias("by_exposure_ann"),
        "gross_frac",
        "net_frac",
        "turnover_frac",
    )


def write(results: Sequence[Decided], name: str, out: Path) -> Path:
    """Write the tables and the page.

    Args:
        results: what became of each question.
        name: where it was asked.
        out: the folder; what was written there before is replaced.

    Returns:
        The page, ``decisions.html``.
    """
    out.mkdir(parents=True, exist_ok=True)
    for table_name in ("trials", "walk_forward"):
        frames: list[pl.DataFrame] = [
            getattr(result, table_name).select(pl.lit(result.question).alias("question"), pl.all())
            for result in results
        ]
        pl.concat(frames).write_parquet(out / f"decisions_{table_name}.parquet")
    parts = [
        sentence(
            "Returns are less the members' mean and net of costs; of a year. What is chosen is the "
            "best of the past by what it earned for each part of the equity that it held."
        )
    ]
    for result in results:
        probability = result.overfitting
        reported = "cannot be known" if probability is None else f"{probability:.1%}"
        parts += [
            heading(result.question),
            table(headline(result)),
            sentence(f"{result.trials.height} trials."),
            sentence(f"Probability of backtest overfitting: {reported}"),
            table(result.trials.sort("mean", descending=True, nulls_last=True)),
        ]
    path = out / "decisions.html"
    path.write_text(page(f"Decisions: {name}", parts), encoding="utf-8")
    return path
