"""What is logged, as lines for people and as records for programs."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout

import pytest

from pipelines.core import logs

LOG = logging.getLogger("tokenmart.test")


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    root.handlers[:] = before


def test_a_record_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    with logs.about(run="r", window="2024-03-01"), logs.about(source="kraken"):
        LOG.info("landed %d rows\nof one", 3, extra={"load_id": "1.2"})
    LOG.info("of nothing")
    LOG.debug("too much")
    logging.getLogger("somebody").info("too much")
    logging.getLogger("somebody").warning("too late")
    try:
        raise ValueError("wrong")
    except ValueError:
        LOG.exception("failed")

    records = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [record["message"] for record in records] == [
        "landed 3 rows\nof one", "of nothing", "too late", "failed",
    ]  # fmt: skip
    first, second, *_, last = records
    assert {name: first[name] for name in logs.FIELDS if name in first} == {
        "run": "r", "source": "kraken", "window": "2024-03-01", "load_id": "1.2",
    }  # fmt: skip
    assert first["level"] == "info"
    assert first["at"].endswith("+00:00")
    assert not set(second) & set(logs.FIELDS)
    assert "ValueError: wrong" in last["error"]


def test_a_line_for_people_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    logs.configure("plain")
    with logs.about(source="kraken"):
        LOG.warning("no answer")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" WARNING tokenmart.test: no answer source=kraken")


def test_another_thread_is_about_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    with logs.about(source="kraken"):
        thread = threading.Thread(target=LOG.info, args=("elsewhere",))
        thread.start()
        thread.join()
    assert "source" not in json.loads(capsys.readouterr().err)


def test_what_libraries_print_are_records(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    with redirect_stdout(logs.Lines()), logs.about(run="r"):  # type: ignore[type-var]
        print("one\n\ntw", end="")
        print("o")
    records = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(record["message"], record["run"]) for record in records] == [
        ("one", "r"),
        ("two", "r"),
    ]
