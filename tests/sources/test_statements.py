"""The list of wire-format statements and the tests that hold us to them is true."""

import csv
import re
from collections import Counter

from pipelines.core.settings import REPO_DIR
from pipelines.sources import SOURCES

STATEMENTS = REPO_DIR / "tests" / "sources" / "statements.csv"
# plain services without a section of their own, described in docs/reference_rates.md
UNLISTED = {"ecb", "gold"}


def test_every_statement_names_a_test_that_there_is() -> None:
    with STATEMENTS.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    wrong = []
    for line in lines:
        path, _, name = line["test"].partition("::")
        text = (REPO_DIR / path).read_text(encoding="utf-8")
        if not re.search(rf"^def {name}\(", text, re.MULTILINE):
            wrong.append(line["test"])
    assert wrong == []
    counts = Counter((line["source"], line["statement"]) for line in lines)
    assert max(counts.values()) == 1, "a statement stands twice"
    assert {line["source"] for line in lines} == set(SOURCES) - UNLISTED | {"all"}
