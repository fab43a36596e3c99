"""Which stage a command is in, by what it and dbt have said so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

START = "start"
LANDING_HISTORY = "landing the history"
LANDING_DAY = "landing the day"
DBT_START = "dbt starts"
SEEDS = "dbt: seeds"
HISTORY = "dbt: history"
STAGING = "dbt: staging"
INTERMEDIATE = "dbt: intermediate"
MARTS = "dbt: marts"
TESTS = "dbt: tests"
GATE = "gate"
PUBLICATION = "publication"
OVER = "after the publication"
STAGES = (
    START, LANDING_HISTORY, LANDING_DAY, DBT_START, SEEDS, HISTORY, STAGING, INTERMEDIATE, MARTS,
    TESTS, GATE, PUBLICATION, OVER,
)  # fmt: skip

_BEGUN = re.compile(
    r"^(?:· (?P<begun>\w+)|(?P<heading>[A-Z]\w+)(?:, once)?: |✓ (?P<over>\w+))", re.M
)
_HISTORY_HEADING = "History"
# as dbt says it: 5 of 773 START sql incremental model history.hist_bitstamp__ohlc
_NODE = re.compile(
    r"^\d+ of \d+ START (?:(?P<kind>seed|test)|\w+ \w+ model (?P<schema>\w+)\.)", re.M
)


@dataclass
class Ear:
    """Listens to a command that writes its output to one file and dbt's to a log.

    Attributes:
        output: what the command prints, from its beginning.
        log: what its libraries print; earlier commands have written to it, too.
    """

    output: Path
    log: Path
    _from: int = field(init=False)

    def __post_init__(self) -> None:
        self._from = self.log.stat().st_size if self.log.exists() else 0

    def stage(self) -> str:
        """Return the stage that the command was in when it last said something."""
        said = self.output.read_text(encoding="utf-8", errors="replace")
        stage, is_history = START, False
        for found in _BEGUN.finditer(said):
            if found["heading"]:
                is_history = found["heading"] == _HISTORY_HEADING
            elif found["begun"] == "Extract":
                stage = LANDING_HISTORY if is_history else LANDING_DAY
            elif found["begun"] == "Build":
                stage = DBT_START
            elif found["begun"] == "Check":
                stage = GATE
            elif found["begun"] == "Publish":
                stage = PUBLICATION
            elif found["over"] == "Publish":
                stage = OVER
        return self._node() or stage if stage == DBT_START else stage

    def _node(self) -> str | None:
        if not self.log.exists():
            return None
        with self.log.open("rb") as log:
            log.seek(self._from)
            begun = list(_NODE.finditer(log.read().decode(errors="replace")))
        if not begun:
            return None
        last = begun[-1]
        return f"dbt: {last['schema'] or last['kind'] + 's'}"
