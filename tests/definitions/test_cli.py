"""The command line without any run: help at once, errors as sentences, nothing left behind."""

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assets.command.cli import app

REPO = Path(__file__).resolve().parents[2]


def _tokenmart(
    data_dir: Path, *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TOKENMART_")
    }
    return subprocess.run(
        [sys.executable, "-m", "assets", *arguments],
        cwd=REPO,
        env={**environment, "TOKENMART_DATA_DIR": str(data_dir), **settings},
        capture_output=True,
        text=True,
        timeout=120,
    )


Tokenmart = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tokenmart_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Tokenmart:
    """Like `_tokenmart`, in this process: to start one takes seconds, and others here do."""

    def run(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        for name, value in {"TOKENMART_DATA_DIR": str(data_dir), **settings}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as left:
            app(arguments, prog_name="tokenmart")
        shown = capfd.readouterr()
        code = left.value.code
        assert isinstance(code, int), f"left with {code!r}"
        return subprocess.CompletedProcess(arguments, code, shown.out, shown.err)

    return run


def test_help_lists_the_commands_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    done = _tokenmart(tmp_path, "--help")
    seconds = time.monotonic() - started

    assert done.returncode == 0
    for command in ("daily", "backfill", "rebuild", "publish", "rollback", "status", "sandbox"):
        assert command in done.stdout
    assert not list(tmp_path.iterdir()), "asking for help wrote something"
    # alone on a machine it takes a quarter of a second
    assert seconds < 5


def test_help_imports_nothing_that_takes_time() -> None:
    script = (
        "import sys\n"
        "from assets.command.cli import app\n"
        "heavy = {'dagster', 'dlt', 'duckdb', 'polars', 'pandas', 'great_expectations'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_status_of_an_empty_folder(tmp_path: Path, tokenmart_here: Tokenmart) -> None:
    done = tokenmart_here(tmp_path, "status", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["publication"] is None
    assert found["last_run"] is None
    assert found["newest_day"] is None
    assert {source["last_landed_at"] for source in found["sources"]} == {None}
    assert {source["freshness"] for source in found["sources"]} == {"empty"}
    assert found["open_incidents"] == []


def test_a_channel_that_does_not_take_a_message_is_named_without_its_address(
    tmp_path: Path,
) -> None:
    alone = _tokenmart(tmp_path, "notify")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert "docs/operations.md says how to add a channel" in alone.stdout

    url = "json://127.0.0.1:9/secret-path"
    done = _tokenmart(tmp_path, "notify", TOKENMART_NOTIFY=f'["{url}"]')
    assert done.returncode == 1, done.stdout + done.stderr
    assert "JSON did not take the message" in done.stdout
    log = (tmp_path / "logs" / "notify.log").read_text()
    assert "secret-path" not in done.stdout + done.stderr + log

    wrong = _tokenmart(tmp_path, "notify", TOKENMART_NOTIFY=url)
    assert wrong.returncode == 1
    assert "secret-path" not in wrong.stdout + wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["rollback"], {}, "nothing is published yet"),
        (["diff", "x"], {}, "nothing is published yet"),
        (["rollback", "--to", "x"], {}, "there is no publication x (kept: none)"),
        (["publish"], {}, "run `tokenmart daily` first"),
        (["rebuild"], {}, "run `tokenmart daily` first"),
        (
            ["backfill", "--from", "2024-03-02", "--to", "2024-03-01"],
            {},
            "--to 2024-03-01 is before --from 2024-03-02",
        ),
        (
            ["backfill", "--from", "2024-03-01", "--to", "2024-03-02", "--replay"],
            {"TOKENMART_PROFILE": "live"},
            "real time does not turn back",
        ),
        (["daily", "--dataset", "."], {}, "the dataset"),
        (["daily", "--dataset", "."], {"TOKENMART_PROFILE": "live"}, "profile `sandbox` only"),
        (
            ["daily"],
            {"TOKENMART_PROFILE": "production"},
            "\nTOKENMART_PROFILE is 'production'; allowed: 'sandbox' or 'live'\n",
        ),
        (["daily"], {"TOKENMART_NOW": "2024-03-01T06:00:00"}, "needs a time zone"),
        (
            ["sandbox", "generate", "--assets", "1"],
            {},
            "\n--assets is '1'; it must be greater than",
        ),
    ],
)
def test_errors_are_sentences(
    tmp_path: Path,
    tokenmart_here: Tokenmart,
    arguments: list[str],
    settings: dict[str, str],
    said: str,
) -> None:
    done = tokenmart_here(tmp_path, *arguments, **settings)

    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout
    assert "Failed:" in done.stdout
    assert "Nothing is published yet" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_an_error_ends_the_process_with_1_and_without_a_traceback(tmp_path: Path) -> None:
    done = _tokenmart(tmp_path, "rebuild")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "run `tokenmart daily` first" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = _tokenmart(tmp_path, "--debug", "rollback")

    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated dataset of four months, made by the command."""
    folder = tmp_path_factory.mktemp("generated")
    done = _tokenmart(folder / "made", "sandbox", "generate", "--assets", "15",
                      "--stablecoins", "7", "--start", "2024-01-01", "--end", "2024-04-30",
                      "--out", str(folder / "dataset"))  # fmt: skip
    assert done.returncode == 0, done.stdout
    return folder / "dataset"


def test_another_datasets_lake_is_not_mixed(
    tmp_path: Path, dataset: Path, tokenmart_here: Tokenmart
) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "origin.json").write_text('{"origin": "live"}')

    done = tokenmart_here(tmp_path, "daily", "--dataset", str(dataset))

    assert done.returncode == 1
    assert "holds observations of: live" in done.stdout
    assert "Start the sandbox" not in done.stdout, "refused when a server of it was running"
    assert "TOKENMART_DATA_DIR" in done.stdout


@pytest.mark.parametrize("day", ["2023-12-31", "2024-05-01"])
def test_day_outside_the_dataset_is_refused(
    tmp_path: Path, dataset: Path, tokenmart_here: Tokenmart, day: str
) -> None:
    done = tokenmart_here(tmp_path, "daily", "--dataset", str(dataset), "--day", day)

    assert done.returncode == 1
    assert "has the days 2024-01-01 to 2024-04-30" in done.stdout
    assert "Start the sandbox" not in done.stdout, "refused when a server of it was running"


@pytest.mark.parametrize("arguments", [["status", "--json"], ["daily", "--help"]])
def test_the_command_works_from_any_folder(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("tokenmart")), *arguments],
        cwd="/",
        env={**os.environ, "TOKENMART_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if "--json" in arguments:
        assert json.loads(done.stdout)["data_dir"] == str(tmp_path)


@pytest.mark.parametrize(
    ("target", "is_built"), [("wheel", False), ("sdist", False), ("wheel:editable", True)]
)
def test_no_package_is_built_but_the_editable_one(
    target: str, is_built: bool, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(tmp_path)],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode == 0) == is_built, done.stdout + done.stderr
    assert len(list(tmp_path.iterdir())) == is_built
    if not is_built:
        assert "is run from a clone" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_damaged_record_of_runs_is_named(tmp_path: Path) -> None:
    assert _tokenmart(tmp_path, "status").returncode == 0
    (path,) = tmp_path.rglob("runs.db")
    path.write_bytes(b"junk" * 3_000)

    done = _tokenmart(tmp_path, "status")

    assert done.returncode == 1
    assert "Failed: a damaged file" in done.stdout
    assert "runs.db is damaged" in done.stdout
    assert "The lake and the" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_disk_that_is_full_is_said_without_a_traceback() -> None:
    from assets.command.cli import _problems

    ((stage, said),) = _problems(OSError(errno.ENOSPC, "No space left on device", "/d/origin.json"))
    assert stage == "a file"
    assert said.startswith("/d/origin.json: No space left on device\nWhat was kept is as it was")
