"""The way back holds when it is needed: when a publication is not what it was."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import publishing
from pipelines.core.files import FileDamaged
from pipelines.core.settings import Settings
from pipelines.publishing import Manifest, pointer

Publish = Callable[..., Manifest]


def _folder(settings: Settings, manifest: Manifest) -> Path:
    return settings.published_dir / manifest.version


def _seen(settings: Settings) -> tuple[str, str]:
    """Return the version that SQL users open, and the one that `current.json` names."""
    database = (settings.published_dir / "tokenmart.duckdb").resolve(strict=True)
    described = json.loads((settings.published_dir / "current.json").read_text())
    return database.parent.name, described["version"]


def test_the_current_folder_is_gone(publish: Publish, settings: Settings) -> None:
    first, second, third = publish(), publish(), publish()
    shutil.rmtree(_folder(settings, third))

    with pytest.raises(FileDamaged, match=rf"{third.version} is damaged \(manifest\.json is gone"):
        publishing.current(settings)
    assert publishing.rollback(settings) == second
    assert _seen(settings) == (second.version, second.version)
    assert publishing.rollback(settings) == first


def test_nothing_but_what_is_gone_was_published(publish: Publish, settings: Settings) -> None:
    only = publish()
    shutil.rmtree(_folder(settings, only))

    with pytest.raises(
        publishing.PublishError, match=f"no whole publication beside {only.version}"
    ):
        publishing.rollback(settings)
    following = publish()
    assert publishing.current(settings) == following
    assert following.replaces == only.version


def test_a_version_without_its_database_is_never_gone_to(
    publish: Publish, settings: Settings
) -> None:
    first, second, third = publish(), publish(), publish()
    (_folder(settings, second) / "tokenmart.duckdb").unlink()

    with pytest.raises(FileDamaged, match=r"tokenmart\.duckdb is gone"):
        publishing.rollback(settings, to=second.version)
    assert _seen(settings) == (third.version, third.version)
    assert publishing.rollback(settings) == first


@pytest.mark.parametrize("damage", ["database", "parquet"])
def test_a_truncated_file_is_damage(publish: Publish, settings: Settings, damage: str) -> None:
    first, second = publish(), publish()
    name = "tokenmart.duckdb" if damage == "database" else "parquet/price_daily.parquet"
    path = _folder(settings, first) / name
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)

    (problem,) = publishing.damaged(settings)
    assert f"{name} has" in str(problem)
    assert "were written" in str(problem)
    with pytest.raises(publishing.PublishError, match="no whole publication"):
        publishing.rollback(settings)
    assert publishing.current(settings) == second


def test_a_truncated_manifest_stops_nobody(publish: Publish, settings: Settings) -> None:
    first, second = publish(), publish()
    path = _folder(settings, first) / "manifest.json"
    path.chmod(0o644)
    path.write_text(path.read_text()[:200])

    third = publish()
    assert publishing.publications(settings) == (second, third)
    assert third.sequence == 3
    assert publishing.rollback(settings) == second
    (problem,) = publishing.damaged(settings)
    assert f"{first.version}/manifest.json is damaged" in str(problem)
    with pytest.raises(FileDamaged, match=r"manifest\.json is damaged"):
        publishing.rollback(settings, to=first.version)


def test_both_names_move_in_one_step(
    publish: Publish, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks between any two steps of a move finds the same version by either name."""
    first, second = publish(), publish()
    seen = []
    replace = Path.replace

    def watched(path: Path, target: Path) -> Path:
        seen.append(_seen(settings))
        moved = replace(path, target)
        seen.append(_seen(settings))
        return moved

    monkeypatch.setattr(Path, "replace", watched)
    publishing.rollback(settings)

    assert seen
    assert set(seen) == {(v.version, v.version) for v in (first, second)}


def test_a_folder_of_an_earlier_release_gets_the_link_without_a_moment_of_disagreement(
    publish: Publish, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = publish(), publish()
    (settings.published_dir / "current").unlink()
    for name, inside in (
        ("tokenmart.duckdb", "tokenmart.duckdb"),
        ("current.json", "manifest.json"),
    ):
        (settings.published_dir / name).unlink()
        if name == "current.json":
            shutil.copyfile(_folder(settings, second) / inside, settings.published_dir / name)
        else:
            (settings.published_dir / name).symlink_to(Path(second.version, inside))
    assert publishing.current(settings) == second
    seen = []
    replace = pointer._replace_link

    def watched(path: Path, target: Path) -> None:
        replace(path, target)
        seen.append(_seen(settings))

    monkeypatch.setattr(pointer, "_replace_link", watched)
    publishing.rollback(settings)

    assert set(seen) == {(v.version, v.version) for v in (first, second)}
    assert seen[-1] == (first.version, first.version)


def test_without_links_a_description_that_lags_behind_is_repaired(
    publish: Publish, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("links are not supported here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    publish()
    with monkeypatch.context() as patch:
        patch.setattr(pointer, "_describe", lambda *_: None)
        second = publish()
    described = settings.published_dir / "current.json"
    assert json.loads(described.read_text())["version"] != second.version

    assert publishing.current(settings) == second
    pointer.repair_description(settings.published_dir)
    assert json.loads(described.read_text())["version"] == second.version
