from pathlib import Path

import pytest

from pipelines import origin
from pipelines.settings import Settings, SettingsError


def test_first_market_claims_the_folder_and_another_is_refused(tmp_path: Path) -> None:
    data, one, other = tmp_path / "data", tmp_path / "one", tmp_path / "other"
    origin.claim(Settings(data_dir=data, dataset=one))
    origin.claim(Settings(data_dir=data, dataset=one))

    with pytest.raises(SettingsError, match=r"holds observations of: dataset .*one"):
        origin.claim(Settings(data_dir=data, dataset=other))
    with pytest.raises(SettingsError, match="This run would add: live"):
        origin.claim(Settings(data_dir=data, profile="live"))


def test_curation_of_the_market_is_recalled_without_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    assert origin.recall(settings) == settings

    origin.claim(settings.model_copy(update={"curation_dir": tmp_path / "market"}))

    assert origin.recall(settings).curation_dir == tmp_path / "market"
    own = settings.model_copy(update={"curation_dir": tmp_path / "own"})
    assert origin.recall(own) == own


def test_live_folder_recalls_no_curation(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", profile="live")
    origin.claim(settings)

    assert origin.recall(settings).curation_dir is None
