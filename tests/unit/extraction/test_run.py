"""One entity after the other: what fails alone, what ends the source, what the log says."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date

import pytest

from pipelines.core.payload import PayloadError
from pipelines.core.tables import EXTRACTION, QUARANTINE
from pipelines.core.windows import DAY, Window
from pipelines.extraction.parsing import Parsed, parse_rows
from pipelines.extraction.run import Extraction, Item
from pipelines.http.client import RequestFailed, RequestRefused, SourceUnavailable
from tests.unit.fake_source import DAILY, FakeClient, days, instant

WINDOW = Window.between(date(2025, 11, 8), date(2025, 11, 10))
LAST = instant(2025, 11, 10)
Pages = Callable[[], Iterable[Parsed]]


@pytest.fixture
def run() -> Extraction:
    return Extraction(FakeClient(), instant(2025, 11, 11, 6), "run-1", frozenset({"A"}))  # type: ignore[arg-type]


def raising(problem: Exception, *before: Parsed) -> Pages:
    def pages() -> Iterator[Parsed]:
        yield from before
        raise problem

    return pages


def pulled(run: Extraction, entity: str | list[str], pages: Pages) -> list[Item]:
    return list(run.pull(DAILY, entity, WINDOW, pages, reaches=LAST))


def good(symbol: str = "A", window: Window = WINDOW) -> Pages:
    return lambda: [days(symbol, window)]


def statuses(run: Extraction) -> dict[str, str]:
    return {row["entity_id"]: row["status"] for row in run.log().to_pylist()}


def test_a_complete_answer_is_ok(run: Extraction) -> None:
    ((name, rows),) = pulled(run, "A", good())
    assert (name, rows.num_rows) == ("daily", 3)
    assert set(rows["fetched_at"].to_pylist()) == {run.fetched_at}
    (line,) = run.log().to_pylist()
    assert line | {"duration_s": 0.0} == {
        "table_name": "daily",
        "entity_id": "A",
        "window_start": instant(2025, 11, 8),
        "window_end": instant(2025, 11, 11),
        "status": "ok",
        "error": None,
        "request_count": 0,
        "retry_count": 0,
        "throttle_count": 0,
        "rows_landed": 3,
        "rows_quarantined": 0,
        "byte_count": 0,
        "duration_s": 0.0,
        "run_id": "run-1",
        "purpose": "run",
        "fetched_at": run.fetched_at,
    }
    assert run.log().schema == EXTRACTION.arrow_schema()


def test_one_entitys_error_leaves_the_others(run: Extraction) -> None:
    pulled(run, "A", raising(RequestRefused("400 Invalid symbol")))
    pulled(run, "B", raising(PayloadError("HTML, not JSON")))
    pulled(run, "C", raising(RequestFailed("HTTP 500")))
    assert [name for name, _ in pulled(run, "D", good("D"))] == ["daily"]
    assert statuses(run) == {"A": "error", "B": "error", "C": "error", "D": "ok"}
    assert run.refusals == ["daily A: 400 Invalid symbol"]
    assert run.failures == ["daily B: HTML, not JSON", "daily C: HTTP 500"]
    assert not run.has_stopped


def test_what_came_before_an_error_is_landed_and_counted(run: Extraction) -> None:
    first = days("A", Window.of_day(date(2025, 11, 8)))
    items = pulled(run, "A", raising(PayloadError("truncated"), first))
    assert [(name, rows.num_rows) for name, rows in items] == [("daily", 1)]
    (line,) = run.log().to_pylist()
    assert (line["status"], line["error"], line["rows_landed"]) == ("error", "truncated", 1)


def test_an_unavailable_source_is_not_asked_again(run: Extraction) -> None:
    pulled(run, "A", good())
    pulled(run, "B", raising(SourceUnavailable("HTTP 451")))
    asked: list[str] = []
    assert pulled(run, "C", lambda: asked.append("C") or []) == []  # type: ignore[func-returns-value]
    assert asked == []
    assert statuses(run) == {"A": "ok", "B": "error", "C": "skipped"}
    assert run.log()["error"].to_pylist() == [None, "HTTP 451", "HTTP 451"]
    assert run.failures == ["HTTP 451"]


def test_three_wrong_answers_in_a_row_end_the_asking(run: Extraction) -> None:
    for entity in "AB":
        pulled(run, entity, raising(PayloadError(f"bad {entity}")))
    pulled(run, "C", good("C"))
    for entity in "DEF":
        assert not run.has_stopped
        pulled(run, entity, raising(PayloadError(f"bad {entity}")))
    assert run.has_stopped
    pulled(run, "G", good("G"))
    assert list(statuses(run).values()) == ["error", "error", "ok", *["error"] * 3, "skipped"]
    assert run.failures[-1] == "3 errors in a row, the last: bad F"


def test_refusals_do_not_end_the_asking(run: Extraction) -> None:
    for entity in "ABCDE":
        pulled(run, entity, raising(RequestRefused("404")))
    assert not run.has_stopped
    assert run.failures == []
    assert len(run.refusals) == 5


def test_a_bug_is_not_swallowed(run: Extraction) -> None:
    with pytest.raises(KeyError):
        pulled(run, "A", raising(KeyError("bug")))


def test_refused_rows_are_quarantined_and_make_the_answer_partial(run: Extraction) -> None:
    page = parse_rows(
        DAILY,
        [["A", 1_762_732_800, "1"], ["A", 1_762_646_400, "-1"]],
        {"symbol": 0, "day_time": 1, "price": 2},
        times={"day_time": "s"},
    )
    items = dict(pulled(run, "A", lambda: [page]))
    assert items["daily"].num_rows == 1
    assert items[QUARANTINE.name].to_pylist() == [
        {
            "table_name": "daily",
            "entity_id": "A",
            "reason": "price: not above 0: -1",
            "payload": '["A",1762646400,"-1"]',
            "run_id": "run-1",
            "fetched_at": run.fetched_at,
        }
    ]
    (line,) = run.log().to_pylist()
    assert (line["status"], line["rows_landed"], line["rows_quarantined"]) == ("partial", 1, 1)


def test_an_answer_that_ends_early_is_partial(run: Extraction) -> None:
    pulled(run, "A", good(window=Window.of_day(date(2025, 11, 9))))
    pulled(run, "B", list)
    assert statuses(run) == {"A": "partial", "B": "partial"}
    assert run.log()["error"][0].as_py() == (
        "the newest row is of 2025-11-09 00:00:00+00:00, not of 2025-11-10 00:00:00+00:00"
    )


def test_an_answer_newest_first_must_reach_back_too(run: Extraction) -> None:
    late = days("A", Window.of_day(date(2025, 11, 10)))
    list(run.pull(DAILY, "A", WINDOW, lambda: [late], reaches=LAST, begins=WINDOW.start_at))
    list(run.pull(DAILY, "B", WINDOW, good("B"), reaches=LAST, begins=WINDOW.start_at))
    assert statuses(run) == {"A": "partial", "B": "ok"}
    assert run.log()["error"][0].as_py() == (
        "the oldest row is of 2025-11-10 00:00:00+00:00, not of 2025-11-08 00:00:00+00:00"
    )


@pytest.mark.parametrize(
    ("before", "now", "status"),
    [(100, 79, "partial"), (100, 80, "ok"), (100, 120, "ok"), (19, 1, "ok"), (0, 5, "ok")],
)
def test_a_list_much_shorter_than_before_looks_cut_off(before: int, now: int, status: str) -> None:
    listing = replace(DAILY, name="listing", is_snapshot=True)
    run = Extraction(
        FakeClient(),  # type: ignore[arg-type]
        instant(2025, 11, 11),
        "r",
        frozenset(),
        list_counts={"listing": before},
    )
    page = replace(days("A", Window(date(2025, 1, 1), date(2025, 1, 1) + now * DAY)), table=listing)
    assert len(list(run.pull(listing, "*", None, lambda: [page]))) == 1, "what came is landed"
    assert statuses(run) == {"*": status}
    short = [f"listing: {now} rows, {before} the time before: the list looks cut off"]
    assert run.failures == (short if status == "partial" else [])


def test_a_list_that_is_asked_in_parts_has_no_length_for_a_part() -> None:
    listing = replace(DAILY, name="listing", is_snapshot=True)
    run = Extraction(
        FakeClient(),  # type: ignore[arg-type]
        instant(2025, 11, 11),
        "r",
        frozenset(),
        list_counts={"listing": 100},
    )
    page = replace(days("A", WINDOW), table=listing)
    list(run.pull(listing, "A", None, lambda: [page]))
    assert statuses(run) == {"A": "ok"}
    assert run.failures == []


def test_pages_in_any_order_reach_the_end(run: Extraction) -> None:
    newest, older = (days("A", Window.of_day(date(2025, 11, day))) for day in (10, 9))
    pulled(run, "A", lambda: [newest, older])
    assert statuses(run) == {"A": "ok"}


def test_a_batch_logs_each_of_its_entities_and_costs_once(run: Extraction) -> None:
    def pages() -> Iterator[Parsed]:
        run.client.spend(2, 500)  # type: ignore[attr-defined]
        yield days("A", WINDOW)
        run.client.spend(1, 300)  # type: ignore[attr-defined]
        yield days("B", Window.of_day(date(2025, 11, 8)))

    pulled(run, ["A", "B", "C"], pages)
    log = run.log()
    assert statuses(run) == {"A": "ok", "B": "partial", "C": "partial"}, (
        "an asset that the answer leaves out must not look deleted"
    )
    assert log["rows_landed"].to_pylist() == [3, 1, 0]
    assert log["request_count"].to_pylist() == [3, 0, 0]
    assert log["retry_count"].to_pylist() == [1, 0, 0]
    assert log["byte_count"].to_pylist() == [800, 0, 0]


def test_a_batch_that_fails_fails_for_all(run: Extraction) -> None:
    pulled(run, ["A", "B"], raising(PayloadError("truncated"), days("B", WINDOW)))
    assert statuses(run) == {"A": "error", "B": "error"}
    assert run.log()["rows_landed"].to_pylist() == [0, 3]
    pulled(run, ["C", "D"], raising(SourceUnavailable("gone")))
    pulled(run, ["E", "F"], good())
    assert statuses(run)["F"] == "skipped"


def test_the_logs_sums_are_what_was_spent(run: Extraction) -> None:
    def costly(symbol: str) -> Pages:
        def pages() -> Iterator[Parsed]:
            run.client.spend(3, 100)  # type: ignore[attr-defined]
            yield days(symbol, WINDOW)

        return pages

    for entity in (["A", "B"], ["C", "D"]):
        pulled(run, entity, costly(entity[0]))
    log = run.log().to_pydict()
    usage = run.client.usage
    assert sum(log["request_count"]) == usage.request_count == 6
    assert sum(log["retry_count"]) == usage.retry_count == 4
    assert sum(log["byte_count"]) == usage.byte_count == 200
    assert sum(log["rows_landed"]) == 6


def test_a_snapshot_has_no_window(run: Extraction) -> None:
    list(run.pull(DAILY, "*", None, good()))
    (line,) = run.log().to_pylist()
    assert (line["window_start"], line["window_end"], line["status"]) == (None, None, "ok")


def test_stop_names_the_cause_and_not_what_follows_from_it(run: Extraction) -> None:
    pulled(run, "*", raising(PayloadError("the list is HTML")))
    run.stop("no curated pair in the list")
    assert run.failures == ["daily *: the list is HTML"]

    refused = Extraction(FakeClient(), run.fetched_at, "r", frozenset())  # type: ignore[arg-type]
    pulled(refused, "*", raising(RequestRefused("400")))
    refused.stop("no curated pair in the list")
    assert refused.failures == ["daily *: 400"], "a run without a list is a failed run"

    empty = Extraction(FakeClient(), run.fetched_at, "r", frozenset())  # type: ignore[arg-type]
    empty.stop("no curated pair in the list")
    assert empty.failures == ["no curated pair in the list"]
    assert empty.has_stopped


@pytest.mark.parametrize(
    ("window", "reach_d", "expected"),
    [
        (("2025-11-08", "2025-11-10"), None, ("2025-11-08", "2025-11-10")),
        (("2025-11-08", "2025-11-11"), None, ("2025-11-08", "2025-11-10")),
        (("2025-11-11", "2025-11-12"), None, None),
        (("2020-01-01", "2025-11-10"), 720, ("2023-11-22", "2025-11-10")),
        (("2020-01-01", "2020-01-02"), 720, None),
    ],
)
def test_only_closed_days_within_reach_are_asked_for(
    run: Extraction, window: tuple[str, str], reach_d: int | None, expected: tuple[str, str] | None
) -> None:
    asked = Window.between(*map(date.fromisoformat, window))
    closed = run.closed(asked, reach_d)
    assert closed == (Window.between(*map(date.fromisoformat, expected)) if expected else None)
    if reach_d and closed:
        assert closed.day_count <= reach_d


def test_the_user_may_restrict_the_entities() -> None:
    run = Extraction(
        FakeClient(),  # type: ignore[arg-type]
        instant(2025, 11, 11),
        "r",
        frozenset(),
        only=frozenset({"B", "X"}),
    )
    assert run.wanted(["B", "A", "B"]) == ["B"]
    assert run.refusals == ["X: set in the settings, but not among the source's curated ids"]
