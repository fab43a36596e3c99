import re
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest

from pipelines.core.files import FileDamaged
from pipelines.core.settings import REPO_DIR, Settings, SettingsError
from pipelines.extraction.universe import CURATION_TABLES
from pipelines.lake import origin, storage


def test_first_market_claims_the_folder_and_another_is_refused(tmp_path: Path) -> None:
    data, one, other = tmp_path / "data", tmp_path / "one", tmp_path / "other"
    origin.claim(Settings(data_dir=data, dataset=one))
    origin.claim(Settings(data_dir=data, dataset=one))

    with pytest.raises(SettingsError, match=r"holds observations of: dataset .*one"):
        origin.claim(Settings(data_dir=data, dataset=other))
    with pytest.raises(SettingsError, match="This run would add: live"):
        origin.claim(Settings(data_dir=data, profile="live"))


def market(folder: Path, *symbols: str) -> Path:
    """Return a curation folder: a table of one file, one of several, and what is no curation."""
    (folder / "markets").mkdir(parents=True)
    pl.DataFrame({"asset_id": list(symbols)}).write_parquet(folder / "assets.parquet")
    for symbol in symbols:
        pl.DataFrame({"symbol": [symbol]}).write_parquet(folder / "markets" / f"{symbol}.parquet")
    (folder / "candles.parquet").write_bytes(b"large")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*.parquet")
        if path.name != "candles.parquet"
    }


def test_a_lake_that_is_copied_alone_keeps_its_origin_and_its_identities(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", dataset=tmp_path / "market", _env_file=None)
    assert origin.recall(settings) == settings, "an empty folder knows nothing"
    reported = market(tmp_path / "market", "a", "b")
    origin.claim(settings.model_copy(update={"curation_dir": reported}))
    expected = files(reported)

    shutil.copytree(tmp_path / "data" / "lake", tmp_path / "new" / "lake")
    shutil.rmtree(reported)
    copied = settings.model_copy(update={"data_dir": tmp_path / "new"})
    recalled = origin.recall(copied)
    assert recalled.curation_dir is not None
    assert files(recalled.curation_dir) == expected
    with pytest.raises(SettingsError, match=r"holds observations of: dataset .*market"):
        origin.claim(copied.model_copy(update={"profile": "live"}))

    own = copied.model_copy(update={"curation_dir": tmp_path / "own"})
    assert origin.recall(own) == own


def test_kept_identities_are_those_of_the_newest_run(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", _env_file=None)
    for name, symbols in (("one", ("a", "b")), ("two", ("a", "c"))):
        reported = market(tmp_path / name, *symbols)
        origin.claim(settings.model_copy(update={"curation_dir": reported}))
        kept = origin.recall(settings).curation_dir
        assert kept is not None
        assert files(kept) == files(reported), name


def test_of_a_bucket_identities_are_fetched(tmp_path: Path) -> None:
    bucket = Settings(data_dir=tmp_path / "one", lake_url="memory://kept", _env_file=None)
    reported = market(tmp_path / "market", "a", "b")
    origin.claim(bucket.model_copy(update={"curation_dir": reported}))

    recalled = origin.recall(bucket.model_copy(update={"data_dir": tmp_path / "two"}))
    assert recalled.curation_dir == tmp_path / "two" / "curation"
    assert files(recalled.curation_dir) == files(reported)


def test_the_kept_tables_are_those_that_dbt_reads() -> None:
    """Whatever staging asks a curation folder for must be in a lake that is copied alone."""
    folder = REPO_DIR / "dbt" / "models" / "staging"
    read = {
        name
        for path in folder.rglob("*.sql")
        for name in re.findall(r"curation_pattern\('(\w+)'\)", path.read_text(encoding="utf-8"))
    }
    assert set(CURATION_TABLES) == read


def test_live_folder_recalls_no_curation(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", profile="live")
    origin.claim(settings)

    assert origin.recall(settings).curation_dir is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"other": 1}'])
def test_damaged_origin_is_named_with_what_to_do(tmp_path: Path, content: str) -> None:
    settings = Settings(data_dir=tmp_path / "data", dataset=tmp_path / "market", _env_file=None)
    path = Path(settings.lake_dir) / "origin.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)

    with pytest.raises(FileDamaged, match=r"origin\.json is damaged .*It is whose observations"):
        origin.claim(settings)


def test_a_lake_is_copied_by_links_and_out_of_a_bucket(tmp_path: Path) -> None:
    folder = Settings(data_dir=tmp_path / "one", _env_file=None)
    bucket = Settings(data_dir=tmp_path / "two", lake_url="memory://copied", _env_file=None)
    for settings in (folder, bucket):
        file_system, root = storage.bucket(settings)
        file_system.makedirs(f"{root}/raw/kraken", exist_ok=True)
        storage.put(file_system, f"{root}/raw/kraken/a.parquet", b"rows")
        copy = tmp_path / f"copy of {settings.data_dir.name}"
        storage.copy_lake(settings, copy)
        assert (copy / "raw" / "kraken" / "a.parquet").read_bytes() == b"rows"
    first = tmp_path / "one" / "lake" / "raw" / "kraken" / "a.parquet"
    assert first.samefile(tmp_path / "copy of one" / "raw" / "kraken" / "a.parquet")


@pytest.mark.parametrize("url", ["nowhere://bucket/lake", "hdfs://bucket/lake"])
def test_a_bucket_that_nothing_can_read_is_a_setting_that_is_wrong(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.implementations.arrow", None)
    settings = Settings(data_dir=tmp_path, lake_url=url, _env_file=None)
    with pytest.raises(SettingsError, match=rf"LAKE_URL names a bucket of the kind {url[:4]}"):
        storage.bucket(settings)
