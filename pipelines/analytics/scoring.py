"""Factor scores and grades: percentiles, groups, and the parts of the sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, SERIES, AnalyticsError, lagged, on_calendar

WEIGHT_ROUNDING = 1e-9
"""Slack of a comparison of sums of weights: 0.2 + 0.4 is not below a floor of 0.6."""

RANKED_DIGITS: Final = 10
"""Significant digits in which two values of a factor must differ to have different ranks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One input of a grade.

    Attributes:
        name: column of the raw value.
        group: the group that it belongs to.
        orientation: 1 if high is good, -1 if low is good.
        peers: column of the peer group (a sector) to rank within; None ranks in the universe.
        applies_to: boolean column that says for which rows the factor can mean anything (NULL:
            it can); where it cannot, the group does not wait for it. None: for all.
    """

    name: str
    group: str
    orientation: int
    peers: str | None = None
    applies_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """``name`` applies from ``floor`` on (``is_open``: above it only)."""

    name: str
    floor: float
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeParameters:
    """Everything that a grade depends on besides the data; its values are a seed.

    Attributes:
        grade: name of the grade and of its column, such as ``trader_grade``.
        factors: the factors.
        group_weights: group and weight, in the order of publication.
        history_d: window of the percentile in an asset's own past, in days; None: the score is
            the percentile across the day alone.
        history_min_obs: observations which that needs; None with ``history_d``.
        group_min_share: share of a group's applicable factors below which the group is NULL.
        coverage_floor: available part of the weight of all groups in which a factor applies,
            below which the grade is NULL.
        min_peers: values that a peer group needs; with fewer, the universe is ranked.
        signal_labels: labels of the grade, highest floor first; the last has floor -inf.
        momentum_labels: labels of the change over ``momentum_d`` days, in the same order.
        momentum_d: see above.
    """

    grade: str
    factors: tuple[Factor, ...]
    group_weights: tuple[tuple[str, float], ...]
    history_d: int | None
    history_min_obs: int | None
    group_min_share: float
    coverage_floor: float
    min_peers: int
    signal_labels: tuple[Label, ...]
    momentum_labels: tuple[Label, ...]
    momentum_d: int

    def __post_init__(self) -> None:
        """Refuse a set of weights that could not mean what it says."""
        groups = [name for name, _ in self.group_weights]
        unknown = sorted({factor.group for factor in self.factors}.symmetric_difference(groups))
        if unknown:
            msg = f"{self.grade}: groups without both a weight and a factor: {unknown}"
            raise AnalyticsError(msg)
        if len(set(groups)) != len(groups) or any(weight <= 0 for _, weight in self.group_weights):
            msg = f"{self.grade}: each group needs one weight above zero"
            raise AnalyticsError(msg)
        if len({factor.name for factor in self.factors}) != len(self.factors):
            msg = f"{self.grade}: a factor stands twice"
            raise AnalyticsError(msg)
        if (self.history_d is None) != (self.history_min_obs is None):
            msg = f"{self.grade}: a history needs both a window and a minimum, or neither"
            raise AnalyticsError(msg)
        if any(factor.orientation not in (-1, 1) for factor in self.factors):
            msg = f"{self.grade}: an orientation is 1 or -1"
            raise AnalyticsError(msg)

    def members(self, group: str) -> tuple[Factor, ...]:
        """The factors of a group."""
        return tuple(factor for factor in self.factors if factor.group == group)


def mid_rank_percentile(value: pl.Expr, *, within: Sequence[str | pl.Expr]) -> pl.Expr:
    """100 (#less + half of #equal)/n among the values that are not NULL (formula: factor-score).

    Args:
        value: the value to rank.
        within: columns of the cross-section, the day among them.

    Returns:
        Percentile 0-100, NULL where the value is NULL.
    """
    rank = value.rank("average").over(*within)
    return 100 * (rank - 0.5) / value.count().over(*within)


def own_percentile(value: pl.Expr, days: int, min_obs: int) -> pl.Expr:
    """Mid-rank percentile among the last days of one series without holes (formula: factor-score).

    Args:
        value: the value to rank.
        days: window in rows.
        min_obs: values that the window needs.
    """
    rank = value.rolling_rank(days, "average", min_samples=min_obs)
    observed = value.is_not_null().cast(pl.Float64).rolling_sum(days, min_samples=1)
    return pl.when(value.is_not_null()).then(100 * (rank - 0.5) / observed)


def history_percentile(
    frame: pl.LazyFrame, *, value: str, days: int, min_obs: int, alias: str
) -> pl.LazyFrame:
    """Mid-rank percentile of a value among its own last days, its own included.

    Formula: factor-score.

    Args:
        frame: one row per (asset_id, day) with ``value``.
        value: the column to rank.
        days: window in calendar days.
        min_obs: values that the window needs.
        alias: name of the result.

    Returns:
        The rows given with ``alias`` (0-100); NULL where the value is.
    """
    return on_calendar(
        frame,
        lambda spine: spine.with_columns(_history_expr(pl.col(value), days, min_obs).alias(alias)),
    )


def score_factors(frame: pl.LazyFrame, parameters: GradeParameters) -> pl.LazyFrame:
    """Score every factor between its rank on the day and its rank in the asset's past.

    Formula: factor-score.

    A cross-section: the rows of a day are read together.

    Args:
        frame: one row per (asset_id, day) with the factors' raw values, ``in_universe`` (of that
            day), the peer columns and those that say to what a factor applies.
        parameters: factors, windows and minima.

    Returns:
        The rows given with, for each factor f: ``f_xs`` (percentile across the universe or the
        peers), ``f_ts`` (percentile in the own last days), ``f_factor_score`` (their mean, or
        ``f_xs`` alone), ``f_is_young`` (no ``f_ts``; NULL in a grade without history) and
        ``f_peer_scope`` ('universe' or the name of the peer column). All NULL outside the universe
        and where the raw value is NULL.
    """
    factors = parameters.factors
    member = pl.col("in_universe").fill_null(value=False)

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        spine = spine.with_columns(
            # what differs by rounding alone is equal: the sum over a window may depend in its
            # last bits on the days around it, and a rank must not
            (factor.orientation * pl.col(factor.name).cast(pl.Float64))
            .round_sig_figs(RANKED_DIGITS)
            .alias(_own(factor))
            for factor in factors
        )
        history = (_own_history(f, parameters) for f in factors)
        spine = spine.with_columns(
            pl.when(member).then(percentile).alias(f"{factor.name}_ts")
            for factor, percentile in zip(factors, history, strict=True)
        ).with_columns(
            pl.when(member).then(pl.col(_own(factor))).alias(_own(factor)) for factor in factors
        )
        ranked = (_across(factor, parameters.min_peers) for factor in factors)
        has_history = parameters.history_d is not None
        return spine.with_columns(expr for pair in ranked for expr in pair).with_columns(
            expr for factor in factors for expr in _score(factor, has_history=has_history)
        )

    return on_calendar(frame, compute)


def assemble_grade(scored: pl.LazyFrame, parameters: GradeParameters) -> pl.LazyFrame:
    """Weigh the scores of ``score_factors`` into group grades and a grade.

    Formulas: trader-grade, trend-score, investor-grade.

    Args:
        scored: result of ``score_factors``.
        parameters: groups, weights, floors and labels.

    Returns:
        The rows given with each group's grade under the group's name, the grade under
        ``parameters.grade`` (0-100; NULL if the weight available is below the floor),
        ``coverage_frac`` (weight available, of the groups in which any factor applies), ``rank``
        (1 = best; ties by asset_id), ``grade_change_1d`` and ``grade_change_7d`` (exact calendar
        lags, by the factors that count on both days; NULL if these weigh less than the floor),
        ``is_composition_changed`` (whether any of these changes leaves a factor out; NULL without a
        grade), ``grade_signal`` and ``momentum_label``.
    """
    grade = parameters.grade

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        spine = (
            spine.with_columns(
                _group_grade(parameters, group) for group, _ in parameters.group_weights
            )
            .with_columns(_coverage(parameters).alias("coverage_frac"))
            .with_columns(_grade(parameters).alias(grade))
        )
        lags = sorted({1, 7, parameters.momentum_d})
        spine = spine.with_columns(
            pl.when(_counts(parameters, factor))
            .then(pl.col(f"{factor.name}_factor_score"))
            .alias(_counted(factor))
            for factor in parameters.factors
        )
        is_changed = pl.any_horizontal(_is_composition_changed(parameters, days) for days in lags)
        return spine.with_columns(
            # the frame is sorted by asset, so equal grades rank in the order of asset_id
            pl.col(grade).rank("ordinal", descending=True).over(DAY).cast(pl.Int32).alias("rank"),
            *(_grade_change(parameters, days).alias(f"grade_change_{days}d") for days in lags),
            pl.when(pl.col(grade).is_not_null()).then(is_changed).alias("is_composition_changed"),
        ).with_columns(
            _labelled(pl.col(grade), parameters.signal_labels).alias("grade_signal"),
            _labelled(
                pl.col(f"grade_change_{parameters.momentum_d}d"), parameters.momentum_labels
            ).alias("momentum_label"),
        )

    return on_calendar(scored, compute)


def grade_components(assembled: pl.LazyFrame, parameters: GradeParameters) -> pl.LazyFrame:
    """What each factor adds to a grade.

    Args:
        assembled: result of ``assemble_grade``.
        parameters: the same parameters.

    Returns:
        One row per (asset_id, day, grade, factor) of each member of the universe, graded or not:
        ``factor_group``, ``value`` (raw), ``xs_pctile``, ``ts_pctile``, ``score``,
        ``is_young``, ``peer_scope``, ``group_weight``, ``weight_frac`` (the factor's share of
        the grade; NULL if it has none), ``no_share_reason`` (why it has none: it is
        `not_applicable`, has `no_value`, its group is `group_incomplete`, or the grade's
        `coverage_below_floor`) and ``contribution`` = weight_frac * score. The contributions of a
        grade sum to it, and its weights to 1.
    """
    grade = parameters.grade
    available = _available_weight(parameters)
    parts = []
    for factor in parameters.factors:
        name, group = factor.name, factor.group
        weight = dict(parameters.group_weights)[group]
        counted = pl.sum_horizontal(
            pl.col(f"{f.name}_factor_score").is_not_null().cast(pl.Int32)
            for f in parameters.members(group)
        )
        share = pl.when(_counts(parameters, factor)).then(weight / available / counted)
        parts.append(
            assembled.filter(pl.col("in_universe").fill_null(value=False))
            .select(
                ASSET,
                DAY,
                pl.lit(grade).alias("grade"),
                pl.lit(name).alias("factor"),
                pl.lit(group).alias("factor_group"),
                pl.col(name).cast(pl.Float64).alias("value"),
                pl.col(f"{name}_xs").alias("xs_pctile"),
                pl.col(f"{name}_ts").alias("ts_pctile"),
                pl.col(f"{name}_factor_score").alias("score"),
                pl.col(f"{name}_is_young").alias("is_young"),
                pl.col(f"{name}_peer_scope").alias("peer_scope"),
                pl.lit(weight).alias("group_weight"),
                share.alias("weight_frac"),
                _no_share_reason(parameters, factor).alias("no_share_reason"),
            )
            .with_columns((pl.col("weight_frac") * pl.col("score")).alias("contribution"))
        )
    return pl.concat(parts).sort(ASSET, DAY, maintain_order=True)


def _own(factor: Factor) -> str:
    return f"_{factor.name}_oriented"


def _own_history(factor: Factor, parameters: GradeParameters) -> pl.Expr:
    if parameters.history_d is None or parameters.history_min_obs is None:
        return pl.lit(None, dtype=pl.Float64)
    return _history_expr(pl.col(_own(factor)), parameters.history_d, parameters.history_min_obs)


def _history_expr(value: pl.Expr, days: int, min_obs: int) -> pl.Expr:
    return own_percentile(value, days, min_obs).over(SERIES)


def _across(factor: Factor, min_peers: int) -> tuple[pl.Expr, pl.Expr]:
    """Percentile across the day, and what it was taken across."""
    value = pl.col(_own(factor))
    known = value.is_not_null()
    whole = mid_rank_percentile(value, within=[DAY])
    if factor.peers is None:
        scope: pl.Expr = pl.when(known).then(pl.lit("universe"))
        percentile = whole
    else:
        # an asset without a sector has no peers; NULLs must not form a group of their own
        enough = (value.count().over(DAY, factor.peers) >= min_peers) & pl.col(
            factor.peers
        ).is_not_null()
        among = mid_rank_percentile(value, within=[DAY, factor.peers])
        percentile = pl.when(enough).then(among).otherwise(whole)
        scope = (
            pl.when(known & enough).then(pl.lit(factor.peers)).when(known).then(pl.lit("universe"))
        )
    return percentile.alias(f"{factor.name}_xs"), scope.alias(f"{factor.name}_peer_scope")


def _score(factor: Factor, *, has_history: bool) -> tuple[pl.Expr, pl.Expr]:
    xs, ts = pl.col(f"{factor.name}_xs"), pl.col(f"{factor.name}_ts")
    score = pl.when(ts.is_null()).then(xs).otherwise((xs + ts) / 2)
    # without a history in the grade nobody is too young for one
    young = pl.when(xs.is_not_null() & pl.lit(has_history)).then(ts.is_null())
    return score.alias(f"{factor.name}_factor_score"), young.alias(f"{factor.name}_is_young")


def _group_grade(parameters: GradeParameters, group: str) -> pl.Expr:
    members = parameters.members(group)
    scores = [pl.col(f"{factor.name}_factor_score") for factor in members]
    known = pl.sum_horizontal(score.is_not_null().cast(pl.Int32) for score in scores)
    applicable = pl.sum_horizontal(_applies(factor).cast(pl.Int32) for factor in members)
    enough = known >= parameters.group_min_share * applicable - WEIGHT_ROUNDING
    return pl.when(enough & (known > 0)).then(pl.mean_horizontal(scores)).alias(group)


def _applies(factor: Factor) -> pl.Expr:
    """Whether the factor can mean anything for the row; one that has a score did."""
    if factor.applies_to is None:
        return pl.lit(value=True)
    scored = pl.col(f"{factor.name}_factor_score").is_not_null()
    return scored | pl.col(factor.applies_to).fill_null(value=True)


def _counts(parameters: GradeParameters, factor: Factor) -> pl.Expr:
    """Whether the factor has a share of the row's grade."""
    return pl.all_horizontal(
        pl.col(name).is_not_null()
        for name in (parameters.grade, factor.group, f"{factor.name}_factor_score")
    )


def _no_share_reason(parameters: GradeParameters, factor: Factor) -> pl.Expr:
    score = pl.col(f"{factor.name}_factor_score")
    return (
        pl.when(score.is_null() & ~_applies(factor))
        .then(pl.lit("not_applicable"))
        .when(score.is_null())
        .then(pl.lit("no_value"))
        .when(pl.col(factor.group).is_null())
        .then(pl.lit("group_incomplete"))
        .when(pl.col(parameters.grade).is_null())
        .then(pl.lit("coverage_below_floor"))
    )


def _counted(factor: Factor) -> str:
    return f"_{factor.name}_counted"


def _is_composition_changed(parameters: GradeParameters, days: int) -> pl.Expr:
    """Whether other factors count than ``days`` ago; False where there was no grade then."""
    was_graded = lagged(pl.col(parameters.grade), days).is_not_null()
    differs = pl.any_horizontal(
        pl.col(_counted(factor)).is_null() != lagged(pl.col(_counted(factor)), days).is_null()
        for factor in parameters.factors
    )
    return was_graded & differs


def _grade_change(parameters: GradeParameters, days: int) -> pl.Expr:
    """The grade less that of ``days`` ago, both by the factors that count on both days."""

    def is_common(factor: Factor) -> pl.Expr:
        now = pl.col(_counted(factor))
        return now.is_not_null() & lagged(now, days).is_not_null()

    def of_group(group: str, score: Callable[[Factor], pl.Expr]) -> pl.Expr:
        return pl.mean_horizontal(
            pl.when(is_common(factor)).then(score(factor)) for factor in parameters.members(group)
        )

    def weighed(score: Callable[[Factor], pl.Expr]) -> pl.Expr:
        return pl.sum_horizontal(
            (weight * of_group(group, score)).fill_null(0.0)
            for group, weight in parameters.group_weights
        )

    common = pl.sum_horizontal(
        pl.when(pl.any_horizontal(is_common(factor) for factor in parameters.members(group)))
        .then(weight)
        .otherwise(0.0)
        for group, weight in parameters.group_weights
    )
    now = weighed(lambda factor: pl.col(_counted(factor)))
    before = weighed(lambda factor: lagged(pl.col(_counted(factor)), days))
    enough = common / _applicable_weight(parameters) >= parameters.coverage_floor - WEIGHT_ROUNDING
    return pl.when(enough & (common > 0)).then(now / common - before / common)


def _applicable_weight(parameters: GradeParameters) -> pl.Expr:
    return pl.sum_horizontal(
        pl.when(pl.any_horizontal(_applies(factor) for factor in parameters.members(group)))
        .then(weight)
        .otherwise(0.0)
        for group, weight in parameters.group_weights
    )


def _available_weight(parameters: GradeParameters) -> pl.Expr:
    return pl.sum_horizontal(
        pl.when(pl.col(group).is_not_null()).then(weight).otherwise(0.0)
        for group, weight in parameters.group_weights
    )


def _coverage(parameters: GradeParameters) -> pl.Expr:
    """The weight of the groups that are there, of those that could be."""
    applicable = _applicable_weight(parameters)
    member = pl.col("in_universe").fill_null(value=False)
    return pl.when(member & (applicable > 0)).then(
        (_available_weight(parameters) / applicable).clip(0.0, 1.0)
    )


def _grade(parameters: GradeParameters) -> pl.Expr:
    weighted = pl.sum_horizontal(
        (weight * pl.col(group)).fill_null(0.0) for group, weight in parameters.group_weights
    )
    # the sum over groups that are there; a group that is not has no weight below the line either
    enough = pl.col("coverage_frac") >= parameters.coverage_floor - WEIGHT_ROUNDING
    return pl.when(enough).then(weighted / _available_weight(parameters))


def _labelled(value: pl.Expr, labels: Sequence[Label]) -> pl.Expr:
    """The first label whose floor the value reaches; NULL for NULL."""
    chosen: pl.Expr = pl.lit(None, dtype=pl.String)
    for label in reversed(labels):
        reached = value > label.floor if label.is_open else value >= label.floor
        chosen = pl.when(reached).then(pl.lit(label.name)).otherwise(chosen)
    return chosen
