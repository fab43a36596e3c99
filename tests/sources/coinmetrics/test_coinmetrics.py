"""Coin Metrics, on recorded rows and against a double that pages as it does."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.sources.coinmetrics import BATCH_ASSETS, METRICS, SOURCE, parse
from tests.sources.double import at, days, landed, log_of, run_of
from tests.sources.fuzz import FUZZ, damaged, outcome

NOW = at("2020-01-04T06:00")
LATEST = at("2030-01-01")
HOST = "double:"


def label(day: Any) -> str:
    return f"{day:%Y-%m-%d}T00:00:00.000000000Z"


def series(asset: str, *metrics: str, frequency: str = "1d") -> dict[str, Any]:
    span = {"min_time": label(at("2019-01-01")), "max_time": label(at("2020-01-03"))}
    listed = [{"metric": metric, "frequencies": [{"frequency": frequency, **span}]}
              for metric in metrics]  # fmt: skip
    return {"asset": asset, "metrics": listed}


class Host:
    """Asset by asset, oldest first; a page's body names the URL of the next."""

    def __init__(self, *listed: dict[str, Any], page_rows: int = 10_000) -> None:
        self.listed = list(listed) or [series("btc", "PriceUSD", "TxCnt")]
        self.page_rows = page_rows
        self.silent: set[str] = set()

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        path, _, token = path.removeprefix(f"{HOST}/").partition("?next_page_token=")
        if path == "v4/catalog-v2/asset-metrics":
            return self._page(path, int(token or 0), self.listed)
        assert path == "v4/timeseries/asset-metrics"
        if not token:
            assert params["paging_from"] == "start", "the default first page holds the newest rows"
            assert "null_as_zero" not in params
            self.rows = list(self._rows(params))
        return self._page(path, int(token or 0), self.rows)

    def _rows(self, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        metrics = params["metrics"].split(",")
        for asset in params["assets"].split(","):
            known = {m["metric"] for entry in self.listed if entry["asset"] == asset
                     for m in entry["metrics"]}  # fmt: skip
            day = at(params["start_time"])
            while day <= at(params["end_time"]) and asset not in self.silent:
                yield {"asset": asset, "time": label(day)} | {
                    metric: "7.25" for metric in metrics if metric in known
                }
                day += timedelta(days=1)

    def _page(self, path: str, first: int, rows: list[Any]) -> dict[str, Any]:
        body: dict[str, Any] = {"data": rows[first : first + self.page_rows]}
        if (following := first + self.page_rows) < len(rows):
            body["next_page_token"] = str(following)
            body["next_page_url"] = f"{HOST}/{path}?next_page_token={following}"
        return body


def answers_of(rows: list[dict[str, str]], metrics: list[str]) -> dict[str, Any]:
    """Wrap rows of the archive's CSV as the API sends them: an empty cell is null."""
    return {
        "data": [
            {"asset": "btc", "time": f"{row['date']}T00:00:00.000000000Z"}
            | {metric: row[metric] or None for metric in metrics}
            for row in rows
        ]
    }


# --- recorded rows --------------------------------------------------------------------------------

RECORDED = [
    "AdrActCnt", "BlkCnt", "CapMVRVCur", "FeeTotNtv", "PriceUSD", "SplyCur", "TxCnt",
    "TxTfrValAdjNtv",
]  # fmt: skip


def vintage(shared_data: Path, name: str) -> dict[Any, dict[str, Any]]:
    path = shared_data / "coinmetrics_vintages" / f"{name}.csv"
    with path.open() as file:
        rows = list(csv.DictReader(file))
    metrics = [metric for metric in RECORDED if metric in rows[0]]
    parsed = parse.asset_metrics(answers_of(rows, metrics), metrics, LATEST)
    assert parsed.refused == ()
    assert parsed.row_count == len(rows) * len(metrics), "a null is a row, not a missing one"
    facts: dict[Any, dict[str, Any]] = {}
    for row in parsed.rows.to_pylist():
        facts.setdefault(row["time"], {})[row["metric"]] = row["value"]
    assert len(facts) == len(rows)
    return facts


def test_recorded_rows_keep_every_digit(shared_data: Path) -> None:
    facts = vintage(shared_data, "v2020-01-03__btc")
    assert facts[at("2020-01-03")] == {
        "TxTfrValAdjNtv": Decimal("271115.42963406"),
        "AdrActCnt": Decimal(721747),
        "BlkCnt": Decimal(169),
        "CapMVRVCur": Decimal("1.31328518"),
        "FeeTotNtv": Decimal("16.61093093"),
        "PriceUSD": Decimal("7315.3093603156"),
        "SplyCur": Decimal("18139567.32134926"),
        "TxCnt": Decimal(323153),
    }
    genesis = facts[at("2009-01-03")]
    assert genesis["PriceUSD"] is None, "no data is not zero"
    assert genesis["AdrActCnt"] == 0, "zero is not no data"


def test_digits_beyond_the_18th_are_rounded(shared_data: Path) -> None:
    path = shared_data / "coinmetrics_vintages" / "v2020-01-03__btc.csv"
    with path.open() as file:
        rows = list(csv.DictReader(file))[-1:]
    parsed = parse.asset_metrics(answers_of(rows, ["FeeMeanNtv"]), ["FeeMeanNtv"], LATEST)
    assert rows[0]["FeeMeanNtv"] == "0.000051402682104142625"
    assert parsed.rows["value"].to_pylist() == [Decimal("0.000051402682104143")]


def test_recorded_vintages_restate(shared_data: Path) -> None:
    old, new = (vintage(shared_data, f"v{day}__btc") for day in ("2019-11-01", "2020-01-03"))
    assert len(new) > len(old)
    last = old.pop(at("2019-11-01"))
    assert last["TxCnt"] is None, "the last row was published before it was computed"
    assert new[at("2019-11-01")]["TxCnt"] == Decimal(315875)
    restated = {
        (day, metric)
        for day, facts in old.items()
        for metric, value in facts.items()
        if new[day][metric] != value
    }
    assert len(restated) == 5
    assert {metric for _, metric in restated} == {"TxTfrValAdjNtv"}


# --- statements of the wire format ----------------------------------------------------------------


def test_the_documented_answer() -> None:
    body = {
        "data": [
            {"asset": "btc", "time": "2020-02-29T00:00:00.000000000Z", "AdrActCnt": "666061",
             "PriceUSD": "8582.09"},
            {"asset": "btc", "time": "2020-03-01T00:00:00.000000000Z", "AdrActCnt": "613187",
             "PriceUSD": None},
        ],
        "next_page_token": "abc",
        "next_page_url": "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics?x=1",
    }  # fmt: skip
    parsed = parse.asset_metrics(body, ["AdrActCnt", "PriceUSD"], LATEST)
    assert [tuple(row.values()) for row in parsed.rows.to_pylist()] == [
        ("btc", at("2020-02-29"), "AdrActCnt", Decimal(666061)),
        ("btc", at("2020-03-01"), "AdrActCnt", Decimal(613187)),
        ("btc", at("2020-02-29"), "PriceUSD", Decimal("8582.09")),
        ("btc", at("2020-03-01"), "PriceUSD", None),
    ]
    assert parse.next_page(body) == body["next_page_url"]


def test_null_is_no_data_and_an_absent_key_is_not_supported() -> None:
    body = {
        "data": [
            {"asset": "btc", "time": label(at("2020-01-01")), "HashRate": None},
            {"asset": "usdt", "time": label(at("2020-01-01")), "PriceUSD": "1.0"},
        ]
    }
    rows = parse.asset_metrics(body, ["HashRate", "PriceUSD"], LATEST).rows.to_pylist()
    assert [(row["asset"], row["metric"], row["value"]) for row in rows] == [
        ("btc", "HashRate", None),
        ("usdt", "PriceUSD", Decimal(1)),
    ]


def test_status_columns_beside_a_metric_are_ignored() -> None:
    row = {"asset": "btc", "time": label(at("2020-01-01")), "PriceUSD": "1", "PriceUSD-status": "r",
           "PriceUSD-status-time": "2020-01-02T00:00:00.000000000Z"}  # fmt: skip
    parsed = parse.asset_metrics({"data": [row]}, ["PriceUSD"], LATEST)
    assert (parsed.row_count, parsed.refused) == (1, ())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "value: not a decimal: true"),
        ({"v": 1}, "value: not a decimal"),
        ("", "value: not a decimal"),
        ("n/a", "value: not a decimal: n/a"),
        ("NaN", "value: not a decimal: NaN"),
    ],
)
def test_a_wrong_value_is_unknown_and_reported(value: Any, reason: str) -> None:
    row = {"asset": "btc", "time": label(at("2020-01-01")), "PriceUSD": value, "TxCnt": "5"}
    parsed = parse.asset_metrics({"data": [row]}, ["PriceUSD", "TxCnt"], LATEST)
    reported = dict(
        zip(parsed.rows["metric"].to_pylist(), parsed.rows["value"].to_pylist(), strict=True)
    )
    assert reported == {"PriceUSD": None, "TxCnt": 5}, "the row's other metrics are good"
    assert parsed.refused == ()
    assert parsed.unread[0][0].startswith(reason)


@pytest.mark.parametrize(
    ("time", "reason"),
    [(None, "time: missing"), (1_577_836_800, "time: not a timestamp"),
     ("2020-13-01T00:00:00.000000000Z", "time: not a timestamp"),
     ("2031-01-01T00:00:00.000000000Z", "time: in the future")],
)  # fmt: skip
def test_a_wrong_time_is_refused(time: Any, reason: str) -> None:
    row = {"asset": "btc", "time": time, "PriceUSD": "1"}
    parsed = parse.asset_metrics({"data": [row]}, ["PriceUSD"], LATEST)
    assert parsed.row_count == 0
    assert parsed.refused[0][0].startswith(reason)


def test_what_is_no_row_is_refused_once() -> None:
    parsed = parse.asset_metrics({"data": ["x", None]}, ["PriceUSD", "TxCnt"], LATEST)
    assert [reason for reason, _ in parsed.refused] == [
        "row: expected dict, got str",
        "row: expected dict, got NoneType",
    ]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"error": {"type": "bad_parameter", "message": "Bad parameter 'assets'."}},
        {"data": {}},
        {"data": None},
    ],
)
def test_an_error_body_is_not_an_answer(body: Any) -> None:
    with pytest.raises(PayloadError):
        parse.asset_metrics(body, ["PriceUSD"], LATEST)
    with pytest.raises(PayloadError):
        parse.catalog(body)


def test_the_last_page_has_no_next() -> None:
    assert parse.next_page({"data": []}) is None
    assert parse.next_page({"data": [], "next_page_url": None}) is None
    for wrong in (5, "", ["x"], {}):
        with pytest.raises(PayloadError, match="next_page_url is not a URL"):
            parse.next_page({"data": [], "next_page_url": wrong})


def test_the_catalogue_is_flattened() -> None:
    body = {"data": [series("btc", "PriceUSD", "TxCnt"), series("eth", "PriceUSD", frequency="1h")]}
    body["data"][0]["metrics"][0]["frequencies"][0] |= {"community": True, "min_height": "0"}
    rows = parse.catalog(body).rows.to_pylist()
    assert [(row["asset"], row["metric"], row["frequency"]) for row in rows] == [
        ("btc", "PriceUSD", "1d"),
        ("btc", "TxCnt", "1d"),
        ("eth", "PriceUSD", "1h"),
    ]
    assert rows[0]["min_time"] == at("2019-01-01")


# --- requests -------------------------------------------------------------------------------------


def test_one_window_is_one_request_with_inclusive_bounds() -> None:
    run = run_of(Host(), NOW, {"btc"})
    tables = landed(SOURCE, run, days("2020-01-01", "2020-01-03"))
    assert len(tables["asset_metrics"]) == 3 * 2
    assert len(tables["catalog"]) == 2
    (params,) = run.client.paths("timeseries")  # type: ignore[attr-defined]
    assert (params["start_time"], params["end_time"]) == ("2020-01-01", "2020-01-03")
    assert params["assets"] == "btc"
    assert params["metrics"] == "PriceUSD,TxCnt", "only what the catalogue lists is asked for"
    assert params["frequency"] == "1d"
    assert params["ignore_forbidden_errors"] == "true", "a paid metric fails the whole call"
    assert params["page_size"] == 10_000
    (catalog,) = run.client.paths("catalog-v2")  # type: ignore[attr-defined]
    assert catalog["metrics"] == ",".join(METRICS)


def test_pages_are_followed_to_the_last() -> None:
    run = run_of(Host(page_rows=2), NOW, {"btc"})
    rows = landed(SOURCE, run, days("2019-12-30", "2020-01-03"))["asset_metrics"]
    assert len({(row["time"], row["metric"]) for row in rows}) == len(rows) == 5 * 2
    line = log_of(run, "asset_metrics")["btc"]
    assert (line["status"], line["request_count"]) == ("ok", 3)


def test_the_catalogue_has_pages_too() -> None:
    listed = [series(f"asset{number:02}", "PriceUSD") for number in range(5)]
    host = Host(*listed, page_rows=2)
    run = run_of(host, NOW, {f"asset{number:02}" for number in range(5)})
    tables = landed(SOURCE, run, days("2020-01-03", "2020-01-03"))
    assert len(tables["catalog"]) == 5
    assert len(tables["asset_metrics"]) == 5


@pytest.mark.parametrize("url", ["same", "cycle"])
def test_pages_that_go_round_are_an_error_and_not_a_loop(url: str) -> None:
    host = Host()
    asked: list[str] = []

    def round_about(path: str, params: dict[str, Any]) -> Any:
        if "timeseries" not in path:
            return host(path, params)
        asked.append(path)
        step = len(asked) % 2 if url == "cycle" else 0
        following = f"{HOST}/v4/timeseries/asset-metrics?next_page_token={step}"
        row = {"asset": "btc", "time": label(at("2020-01-03")), "PriceUSD": "1"}
        return {"data": [row], "next_page_url": following}

    run = run_of(round_about, NOW, {"btc"})
    landed(SOURCE, run, days("2020-01-03", "2020-01-03"))
    assert len(asked) <= 3
    (failure,) = run.failures
    assert failure.startswith("asset_metrics btc: v4/timeseries/asset-metrics: ")
    assert failure.endswith("the next page is one that was read already")
    assert log_of(run, "asset_metrics")["btc"]["status"] == "error"


def test_a_page_that_fails_keeps_those_before_and_proves_nothing() -> None:
    host = Host(page_rows=2)

    def broken(path: str, params: dict[str, Any]) -> Any:
        if "next_page_token=4" in path:
            raise PayloadError("truncated")
        return host(path, params)

    run = run_of(broken, NOW, {"btc"})
    rows = landed(SOURCE, run, days("2019-12-30", "2020-01-03"))["asset_metrics"]
    assert len(rows) == 4 * 2
    assert log_of(run, "asset_metrics")["btc"]["status"] == "error"


def test_assets_are_asked_for_in_batches() -> None:
    names = [f"a{number:03}" for number in range(BATCH_ASSETS + 10)]
    run = run_of(Host(*(series(name, "PriceUSD") for name in names)), NOW, names)
    landed(SOURCE, run, days("2020-01-03", "2020-01-03"))
    batches = [params["assets"].split(",") for params in run.client.paths("timeseries")]  # type: ignore[attr-defined]
    assert [len(batch) for batch in batches] == [BATCH_ASSETS, 10]
    log = log_of(run, "asset_metrics")
    assert sorted(log) == names
    assert sum(row["request_count"] for row in log.values()) == 2
    assert sum(row["rows_landed"] for row in log.values()) == len(names)


def test_an_asset_left_out_of_the_answer_does_not_look_deleted() -> None:
    host = Host(series("btc", "PriceUSD"), series("eth", "PriceUSD"))
    host.silent = {"eth"}
    run = run_of(host, NOW, {"btc", "eth"})
    landed(SOURCE, run, days("2020-01-01", "2020-01-03"))
    log = log_of(run, "asset_metrics")
    assert {name: row["status"] for name, row in log.items()} == {"btc": "ok", "eth": "partial"}
    assert {name: row["rows_landed"] for name, row in log.items()} == {"btc": 3, "eth": 0}


def test_only_curated_assets_with_daily_series_are_asked_for() -> None:
    host = Host(series("btc", "PriceUSD"), series("junk", "PriceUSD"),
                series("eth", "PriceUSD", frequency="1h"))  # fmt: skip
    run = run_of(host, NOW, {"btc", "eth"})
    landed(SOURCE, run, days("2020-01-03", "2020-01-03"))
    (params,) = run.client.paths("timeseries")  # type: ignore[attr-defined]
    assert params["assets"] == "btc"


def test_the_open_day_is_not_asked_for() -> None:
    run = run_of(Host(), NOW, {"btc"})
    landed(SOURCE, run, days("2020-01-03", "2020-02-01"))
    (params,) = run.client.paths("timeseries")  # type: ignore[attr-defined]
    assert params["end_time"] == "2020-01-03"


def test_the_budget_keeps_ten_requests_in_any_six_seconds() -> None:
    budget = SOURCE.budget
    assert budget.burst + 6 * budget.requests_per_second <= 10


# --- fuzz -----------------------------------------------------------------------------------------

BODY = {
    "data": [
        {"asset": asset, "time": label(at(f"2020-01-0{day}")), "PriceUSD": "7.25", "TxCnt": None}
        for asset in ("btc", "eth")
        for day in (1, 2)
    ],
    "next_page_token": "abc",
    "next_page_url": f"{HOST}/v4/timeseries/asset-metrics?next_page_token=abc",
}


@FUZZ
@given(damaged(BODY))
def test_damaged_metrics(body: Any) -> None:
    parsed = outcome(lambda page: parse.asset_metrics(page, ["PriceUSD", "TxCnt"], LATEST), body)
    if parsed is None:
        return
    cells = {
        (row.get("asset"), metric, str(row[metric]))
        for row in body["data"] if isinstance(row, dict)
        for metric in ("PriceUSD", "TxCnt") if metric in row and isinstance(row.get("asset"), str)
    }  # fmt: skip
    sent = {(asset, metric): {value for a, m, value in cells if (a, m) == (asset, metric)}
            for asset, metric, _ in cells}  # fmt: skip
    for row in parsed.rows.to_pylist():
        values = sent[row["asset"], row["metric"]]
        if row["value"] is None:
            assert "None" in values or parsed.unread, "a value that can be read is not unknown"
        else:
            assert any(
                value not in ("None", "") and _close(row["value"], value) for value in values
            )


def _close(value: Decimal, text: str) -> bool:
    try:
        return abs(value - Decimal(text)) <= Decimal("0.5e-18")
    except ArithmeticError:
        return False


@FUZZ
@given(damaged({"data": [series("btc", "PriceUSD", "TxCnt"), series("eth", "PriceUSD")]}))
def test_damaged_catalogue(body: Any) -> None:
    outcome(parse.catalog, body)


@FUZZ
@given(damaged(BODY))
def test_damaged_next_page(body: Any) -> None:
    try:
        url = parse.next_page(body)
    except PayloadError:
        return
    assert url is None or (isinstance(url, str) and url)
