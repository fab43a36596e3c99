"""A backup is whole or none, copies what is new, and comes back as it was."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines import backup, publishing
from pipelines.backup import BackupError, saving
from pipelines.backup.store import Backup, Store, StoredFile
from pipelines.core.files import FileDamaged
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock
from pipelines.lake import origin, storage
from pipelines.lake.catalog import LakeDamaged, read_catalog, write_catalog
from pipelines.publishing.manifest import CheckSummary, Manifest
from pipelines.publishing.pointer import point_to

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)


class Folder:
    """A data folder with a lake, and the folder of its backups."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(data_dir=home / "data", _env_file=None)
        self.backups = home / "backups"
        self.made = 0
        self.loads = 0

    @property
    def lake(self) -> Path:
        return Path(self.settings.lake_dir)

    def land(self, *, is_complete: bool = True) -> Path:
        """Land a load of one file; a killed one is not complete."""
        origin.claim(self.settings)
        self.loads += 1
        load_id = f"{self.loads}.1"
        path = self.lake / f"raw/kraken/candles/load_date=2026-11-01/{load_id}.a.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame({"_dlt_load_id": [load_id], "fetched_at": [NOW]}).write_parquet(path)
        if is_complete:
            done = self.lake / f"raw/kraken/_dlt_loads/kraken__{load_id}.jsonl"
            done.parent.mkdir(parents=True, exist_ok=True)
            line = {"load_id": load_id, "status": 0, "inserted_at": NOW.isoformat()}
            done.write_text(json.dumps(line))
        return path

    def save(self, **options: object) -> saving.Saved:
        self.made += 1
        wall = FixedClock(NOW + timedelta(days=self.made))
        return backup.back_up(self.settings, self.backups, wall=wall, **options)  # type: ignore[arg-type]

    def restored(self, **options: object) -> Settings:
        """Restore into a new data folder beside, and return its settings."""
        into = Settings(data_dir=self.backups.parent / "restored", _env_file=None)
        backup.restore(into, self.backups, **options)  # type: ignore[arg-type]
        return into


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    found = Folder(tmp_path)
    found.land()
    found.land()
    write_catalog(found.settings)
    return found


def content(home: Path) -> dict[str, bytes]:
    """Return what a data folder keeps, but locks."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and "locks" not in path.parts and not path.name.startswith(".")
    }


def test_what_comes_back_is_what_was_kept(folder: Folder) -> None:
    storage.put(*_at(folder, "raw/ops/alert/v1.parquet"), b"numbers")
    folder.settings.incidents_path.write_text("{}")
    folder.settings.keys_path.parent.mkdir()
    folder.settings.keys_path.write_text("[]")
    (folder.settings.warehouse_path).write_bytes(b"derived")
    folder.save()
    before = content(folder.settings.data_dir)

    into = folder.restored()

    del before["warehouse.duckdb"]
    assert content(into.data_dir) == before
    assert into.keys_path.stat().st_mode & 0o077 == 0, "who has keys is nobody else's business"
    assert write_catalog(into).equals(read_catalog(folder.settings))


def _at(folder: Folder, below: str) -> tuple[object, str]:
    file_system, root = storage.bucket(folder.settings)
    return file_system, f"{root}/{below}"


def test_publications_come_back_with_the_one_that_was_current(folder: Folder) -> None:
    published = folder.settings.published_dir
    for number, version in enumerate(("v1", "v2"), 1):
        (published / version).mkdir(parents=True)
        (published / version / "tokenmart.duckdb").write_bytes(b"rows")
        nothing = CheckSummary(total=0, passed=0, warned=0, by_kind={}, warnings=())
        Manifest(
            version=version, sequence=number, replaces=None, published_at=NOW, run_id="r",
            code_revision="c", profile="sandbox", content_hash="h", database_bytes=4,
            duckdb_version="1", marts=(), checks=nothing,
        ).save(published / version)  # fmt: skip
    (published / ".building-r").mkdir()
    (published / ".building-r" / "half").write_bytes(b"half")
    point_to(published, "v1")
    folder.save()
    assert not publishing.publications(folder.restored()), "only where they are wanted"
    shutil.rmtree(folder.backups.parent / "restored")
    folder.save(with_publications=True)

    into = folder.restored()

    assert publishing.publications(into) == publishing.publications(folder.settings)
    current = publishing.current(into)
    assert current is not None
    assert current.version == "v1"
    database = into.published_dir / "tokenmart.duckdb"
    assert database.read_bytes() == b"rows"
    assert database.stat().st_mode & 0o222 == 0, "a publication is not written again"
    assert not (into.published_dir / ".building-r").exists()


def test_what_is_stored_is_not_copied_again(folder: Folder) -> None:
    first = folder.save()
    again = folder.save()
    folder.land()
    write_catalog(folder.settings)
    third = folder.save()

    assert first.copied_files == len(first.backup.files)
    assert again.copied_files == 0
    assert again.backup.files == first.backup.files
    # the load's rows, the line that says it is complete, and the new catalog
    assert third.copied_files == 3
    assert len(Store(folder.backups).names()) == 3


def test_files_of_a_listed_load_are_not_even_read_again(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save()
    read = []
    pieces = saving._Found.pieces

    def noting(self: saving._Found) -> Iterator[bytes]:
        read.append(self.path)
        return pieces(self)

    monkeypatch.setattr(saving._Found, "pieces", noting)
    folder.save()
    assert read
    assert [path for path in read if path.endswith(".a.parquet")] == []


def test_what_nobody_may_read_is_not_kept(folder: Folder) -> None:
    killed = folder.land(is_complete=False)
    (folder.lake / ".catalog.parquet.1234").write_bytes(b"half")

    paths = {file.path for file in folder.save().backup.files}

    assert f"lake/{killed.relative_to(folder.lake)}" not in paths
    assert not [path for path in paths if "/." in path]


def test_a_killed_backup_is_none_and_the_next_one_tidies_up(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Store, "add", die)
        with pytest.raises(KeyboardInterrupt):
            folder.save()
    with pytest.raises(BackupError, match="holds no backup"):
        folder.restored()
    left = folder.backups / "objects" / "ab" / ".half"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half")

    folder.save()

    assert not left.exists()
    folder.restored()


def test_a_lake_that_is_not_what_was_landed_is_not_kept(folder: Folder) -> None:
    folder.save()
    path = folder.land()
    write_catalog(folder.settings)
    path.write_bytes(path.read_bytes()[::-1])

    with pytest.raises(BackupError, match=r"2\.1|3\.1.*it is not what was landed"):
        folder.save()
    path.unlink()
    with pytest.raises(LakeDamaged):
        folder.save()
    assert len(Store(folder.backups).names()) == 1


@pytest.mark.parametrize("fault", ["gone", "short", "other"])
def test_a_damaged_backup_is_refused_before_anything_is_written(folder: Folder, fault: str) -> None:
    saved = folder.save()
    (file,) = [file for file in saved.backup.files if file.path.endswith("1.1.a.parquet")]
    path = folder.backups / "objects" / file.sha256[:2] / file.sha256
    if fault == "gone":
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes(whole[:-3] if fault == "short" else whole[::-1])

    said = r"is not whole:\n  lake/raw/kraken/candles/.*1\.1\.a\.parquet (is gone|has other bytes)"
    for dry_run in (True, False):
        with pytest.raises(BackupError, match=said):
            folder.restored(dry_run=dry_run)
    assert not (folder.backups.parent / "restored").exists()


@pytest.mark.parametrize(
    "change", [lambda text: text[: len(text) // 2], lambda text: text.replace('"lake/o', '"lake/p')]
)
def test_a_list_with_other_bytes_is_named(folder: Folder, change: object) -> None:
    saved = folder.save()
    (path,) = (folder.backups / "backups").iterdir()
    path.write_text(change(path.read_text()))  # type: ignore[operator]

    with pytest.raises(FileDamaged, match=re.escape(saved.backup.name)):
        folder.restored()


def test_a_dry_run_writes_nothing(folder: Folder) -> None:
    folder.save()
    assert not folder.restored(dry_run=True).data_dir.exists()


def test_only_an_empty_folder_takes_a_backup(folder: Folder) -> None:
    folder.save()
    with pytest.raises(BackupError, match=r"has lake, published\. Move it away first: mv "):
        backup.restore(folder.settings, folder.backups)
    # what any command leaves before it begins is no data
    (folder.backups.parent / "restored" / "logs").mkdir(parents=True)
    folder.restored()


def test_a_killed_restore_has_no_lake(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.save()
    read = Store.read
    seen = []

    def die_at_the_third(self: Store, file: StoredFile) -> Iterator[bytes]:
        seen.append(file)
        # as many are read before, to be compared
        if len(seen) == len(Store(folder.backups).load().files) + 3:
            raise KeyboardInterrupt
        return read(self, file)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "read", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            folder.restored()
    assert not (folder.backups.parent / "restored" / "lake").exists()
    assert read_catalog(folder.restored()).height == 2, "and the next one goes through"


def test_the_newest_comes_back_or_the_one_that_is_named(folder: Folder) -> None:
    first = folder.save()
    folder.land()
    folder.save()

    assert read_catalog(folder.restored()).height == 3
    shutil.rmtree(folder.backups.parent / "restored")
    assert read_catalog(folder.restored(name=first.backup.name)).height == 2
    with pytest.raises(BackupError, match="holds no backup 2020"):
        folder.restored(name="2020")


def test_older_backups_are_dropped_with_what_only_they_had(folder: Folder) -> None:
    catalog = folder.lake / "catalog.parquet"
    folder.save()
    old = catalog.read_bytes()
    folder.land()
    saved = folder.save(keep=1)

    assert saved.forgotten == 1
    assert Store(folder.backups).names() == (saved.backup.name,)
    stored = {path.read_bytes() for path in (folder.backups / "objects").glob("*/*")}
    assert old not in stored
    folder.restored()


def test_another_markets_backups_and_the_data_folder_are_no_place(folder: Folder) -> None:
    folder.save()
    (folder.lake / "origin.json").write_text('{"origin": "live"}')
    with pytest.raises(BackupError, match="holds backups of: a sandbox server"):
        folder.save()
    with pytest.raises(BackupError, match="is in the data folder"):
        backup.back_up(folder.settings, folder.settings.data_dir / "backups")


def test_nothing_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="nothing was landed yet"):
        Folder(tmp_path).save()


def test_it_waits_for_who_lands_and_keeps_him_waiting(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, may_end, order = threading.Event(), threading.Event(), []
    write = saving.write_catalog

    def slow(settings: Settings) -> pl.DataFrame:
        began.set()
        may_end.wait(10)
        order.append("backup")
        return write(settings)

    monkeypatch.setattr(saving, "write_catalog", slow)
    saves = threading.Thread(target=folder.save)
    with storage.lock(folder.settings, "kraken"):
        saves.start()
        assert not began.wait(0.2), "it began while somebody landed"
    assert began.wait(10)

    def land() -> None:
        with storage.lock(folder.settings, "kraken"):
            order.append("landing")

    lands = threading.Thread(target=land)
    lands.start()
    may_end.set()
    saves.join(10)
    lands.join(10)
    assert order == ["backup", "landing"]


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "lake/../../x", ""])
def test_no_path_leads_out_of_the_folder(path: str) -> None:
    with pytest.raises(ValueError, match="leads out of the folder"):
        StoredFile(path=path, byte_count=0, sha256="0")


def test_a_lake_in_a_bucket_comes_back(tmp_path: Path) -> None:
    bucket = Settings(data_dir=tmp_path / "data", lake_url="memory://kept-lake", _env_file=None)
    origin.claim(bucket)
    file_system, root = storage.bucket(bucket)
    storage.put(file_system, f"{root}/raw/ops/alert/v1.parquet", b"numbers")
    backup.back_up(bucket, tmp_path / "backups", wall=FixedClock(NOW))

    into = Settings(data_dir=tmp_path / "new", lake_url="memory://other-lake", _env_file=None)
    backup.restore(into, tmp_path / "backups")

    found, there = storage.bucket(into)
    assert found.cat_file(f"{there}/raw/ops/alert/v1.parquet") == b"numbers"
    with pytest.raises(BackupError, match="memory://other-lake"):
        backup.restore(into, tmp_path / "backups")


def test_the_name_says_when_and_what(folder: Folder) -> None:
    saved = folder.save().backup
    assert saved.name.startswith("20261102T060000Z-")
    other = Backup(**{**saved.model_dump(), "code_revision": "other"})
    assert other.name != saved.name
