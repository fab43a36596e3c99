"""Every source on damaged answers, generated and recorded: rows, quarantine, or a typed error."""

from pathlib import Path

import pytest

from pipelines.core.settings import Settings
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sources import SOURCES
from tests.sources.fuzz_sources import RECORDED, recorded_tapes, try_source
from tests.sources.replay import record


@pytest.mark.slow  # damage to the bodies of each parser is tried beside the parser's own tests
@pytest.mark.parametrize("name", SOURCES)
def test_damage_ends_as_a_row_a_quarantine_or_a_typed_error(
    name: str, dataset: Dataset, server: SandboxServer, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path, sandbox_url=server.url, curation_dir=dataset.path, _env_file=None
    )
    few = 4 if name.startswith("defillama") else 15  # one run of it asks a hundred times
    tried = try_source(record(name, settings, dataset, days=2), examples=few)
    assert tried.examples >= few
    assert tried.outcomes.total() == tried.examples


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDED)
def test_damage_to_recorded_bodies(
    name: str, dataset: Dataset, server: SandboxServer, tmp_path: Path, shared_data: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path, sandbox_url=server.url, curation_dir=dataset.path, _env_file=None
    )
    tape = record(name, settings, dataset, days=2)
    for damaged in recorded_tapes(tape, shared_data):
        assert try_source(damaged, examples=60).examples >= 60
