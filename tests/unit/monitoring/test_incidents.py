"""What is news: once when something breaks, once when it is well again, whatever comes between."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.settings import REPO_DIR
from pipelines.monitoring.incidents import (
    ANCHORS,
    HANDBOOK,
    Book,
    Incident,
    Kind,
    Message,
    Signal,
    hear,
)

START = datetime(2024, 3, 1, 6, tzinfo=UTC)


def bad(hour: int, kind: Kind = "run", name: str = "daily") -> Signal:
    at = START + timedelta(hours=hour)
    incident = Incident(
        kind=kind, name=name, title=f"{name} failed", detail="host is down", since=at, run_id="r"
    )
    return Signal(kind=kind, name=name, at=at, incident=incident)


def good(hour: int, kind: Kind = "run", name: str = "daily") -> Signal:
    return Signal(kind=kind, name=name, at=START + timedelta(hours=hour))


def heard(signals: Sequence[Signal], book: Book | None = None) -> tuple[Book, list[str]]:
    after, messages = hear(book or Book(), signals)
    return after, [f"{message.state} {message.incident.name}" for message in messages]


def test_an_incident_is_reported_once_and_so_is_its_end() -> None:
    book, said = heard([good(0), bad(1), bad(2), bad(3), good(4), good(5)])
    assert said == ["opened daily", "recovered daily"]
    assert book.open == {}


def test_it_lasts_from_the_first_bad_signal() -> None:
    book, _ = heard([bad(1), bad(2)])
    assert [one.since for one in book.open.values()] == [START + timedelta(hours=1)]


def test_things_fail_and_recover_for_themselves() -> None:
    book, said = heard([bad(1), bad(1, name="repair"), good(2)])
    assert said == ["opened daily", "opened repair", "recovered daily"]
    assert list(book.open) == ["run/repair"]


def test_a_failure_that_is_heard_of_after_the_success_that_followed_is_over() -> None:
    _, said = heard([good(2), bad(1)])
    assert said == []


def test_the_age_of_data_is_news_only_where_they_were_up_to_date() -> None:
    """A backfill of some past month makes a source that was never up to date."""
    _, said = heard([bad(1, "source", "kraken"), bad(2, "source", "kraken")])
    assert said == []
    _, said = heard([good(0, "source", "kraken"), bad(1, "source", "kraken")])
    assert said == ["opened kraken"]


def test_a_message_says_what_since_when_which_run_and_where_to_look() -> None:
    book, (opened,) = hear(Book(), [bad(0)])
    assert opened.title == "Tokenmart: daily failed"
    assert opened.body.splitlines() == [
        "host is down",
        "since: 2024-03-01 06:00 UTC",
        "run: r",
        "what to do: docs/runbooks/alerts.md#a-run-failed",
    ]
    _, (recovered,) = hear(book, [good(2)])
    assert recovered.title == "Tokenmart: recovered: daily failed"
    assert "recovered: 2024-03-01 08:00 UTC" in recovered.body.splitlines()
    assert opened.id != recovered.id


@pytest.mark.parametrize("anchor", ANCHORS.values())
def test_the_page_that_a_message_names_has_the_section(anchor: str) -> None:
    page = (REPO_DIR / HANDBOOK).read_text(encoding="utf-8")
    headings = [line.lstrip("# ") for line in page.splitlines() if line.startswith("#")]
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Signal], list[list[Signal]]]:
    """Return what happened, in order, and the same in portions: out of order, some of it twice.

    No two signals about a thing are of one instant: runs end when they end.
    """
    outcomes = draw(
        st.lists(st.tuples(st.sampled_from(["daily", "repair"]), st.booleans()), max_size=20)
    )
    happened = [
        good(hour, name=name) if is_well else bad(hour, name=name)
        for hour, (name, is_well) in enumerate(outcomes)
    ]
    again = draw(st.lists(st.sampled_from(happened), max_size=5)) if happened else []
    seen = draw(st.permutations([*happened, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(seen)), max_size=4)))
    bounds = [0, *cuts, len(seen)]
    portions = [seen[a:b] for a, b in pairwise(bounds)]
    return happened, portions


def check_history(history: tuple[list[Signal], list[list[Signal]]]) -> None:
    happened, portions = history
    book, messages = Book(), list[Message]()
    for portion in portions:
        # what is remembered goes through a file
        book, news = hear(Book.model_validate_json(book.model_dump_json()), portion)
        messages += news
    twice = [
        name for name, count in Counter(message.id for message in messages).items() if count > 1
    ]
    assert twice == [], "two messages about one thing"
    opened = [message.incident.id for message in messages if message.state == "opened"]
    recovered = [message.incident.id for message in messages if message.state == "recovered"]
    assert set(recovered) <= set(opened), "nobody knew that it had begun"
    still = {incident.id for incident in book.open.values()}
    assert set(opened) - set(recovered) == still, "an incident has one end"
    for message in messages:
        if message.state == "recovered":
            assert message.at > message.incident.since
    newest = {signal.name: signal for signal in happened}
    for name, signal in newest.items():
        is_open = f"run/{name}" in book.open
        assert is_open == (signal.incident is not None), "the newest signal decides"


@settings(max_examples=100, deadline=None)
@given(histories())
def test_no_order_of_signals_makes_a_message_too_many(
    history: tuple[list[Signal], list[list[Signal]]],
) -> None:
    check_history(history)


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(histories())
def test_no_order_of_signals_makes_a_message_too_many_at_length(
    history: tuple[list[Signal], list[list[Signal]]],
) -> None:
    check_history(history)
