"""Keys that are planted are in nothing that a run writes, prints or publishes."""

import base64
import json
import shutil
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import polars as pl
import polars.selectors as cs
import pytest

from pipelines import sources
from pipelines.sandbox import SandboxServer
from tests.e2e.conftest import Project
from tests.e2e.test_faults import _IMPATIENT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

_MARK = "Planted0123456789Zq"
KEYED = [name for name in sources.SOURCES if sources.source(name).key_header is not None]


def _planted() -> dict[str, str]:
    """Return a setting for everything that takes a secret, each with a secret of its own."""
    keys = {f"TOKENMART_SOURCES__{name.upper()}__API_KEY": f"{_MARK}key{name}" for name in KEYED}
    secret = base64.b64encode(f"{_MARK}hook".encode()).decode()
    return {
        **keys,
        # nobody listens at these: what could not be sent waits, and is in a file
        "TOKENMART_NOTIFY": f'["json://user:{_MARK}pass@127.0.0.1:9/{_MARK}path",'
        f'"mailto://user:{_MARK}mail@127.0.0.1:9/?to=ops@example.org&smtp=127.0.0.1"]',
        "TOKENMART_NOTIFY_WEBHOOK_URL": f"http://127.0.0.1:9/{_MARK}url",
        "TOKENMART_NOTIFY_WEBHOOK_SECRET": f"whsec_{secret}",
    }


def _forms() -> list[bytes]:
    """Return how the planted secrets may be written: as they are, quoted, in base64 anywhere."""
    forms = {_MARK.encode(), quote(_MARK).encode()}
    for offset in range(3):
        coded = base64.b64encode(b"x" * offset + _MARK.encode()).rstrip(b"=")
        forms.add(coded[4 if offset else 0 : -2])
    return sorted(forms)


def _written(path: Path) -> bytes:
    """Return a file's bytes, and of Parquet, which packs them, its texts."""
    content = path.read_bytes()
    if content.startswith(b"PAR1"):
        content += pl.read_parquet(BytesIO(content)).select(cs.string()).write_csv().encode()
    return content


def _found(where: Path) -> list[str]:
    files = (path for path in sorted(where.rglob("*")) if path.is_file() and not path.is_symlink())
    return [
        f"{path.relative_to(where)}: {form.decode()}"
        for path, content in ((path, _written(path)) for path in files)
        for form in _forms()
        if form in content
    ]


def test_what_is_searched_for_would_be_found(tmp_path: Path) -> None:
    for number in range(3):
        text = base64.b64encode(b"a" * number + f"{_MARK}end".encode())
        (tmp_path / f"base64-{number}").write_bytes(text)
    (tmp_path / "plain").write_text(f"url=https://h/{_MARK}")
    pl.DataFrame({"first_error": [_MARK]}).write_parquet(tmp_path / "packed.parquet")
    assert {line.partition(":")[0] for line in _found(tmp_path)} == {
        "base64-0", "base64-1", "base64-2", "packed.parquet", "plain",
    }  # fmt: skip


def test_planted_keys_are_nowhere(project: Project, server: SandboxServer, tmp_path: Path) -> None:
    assert KEYED, "no source knows a key"
    served = project.served_by(server, project.dataset.now)
    served.environment |= _IMPATIENT | _planted()
    # of a run that fails the others' answers are no matter
    others = {
        f"TOKENMART_SOURCES__{name.upper()}__ENABLED": "false"
        for name in set(sources.SOURCES) - set(KEYED)
    }
    said: list[subprocess.CompletedProcess[str]] = []
    # as CoinGecko says that it does not know a key; any other 401 is of one request alone
    repeated = json.dumps(
        {
            "status": {
                "error_code": 10002,
                "error_message": "".join(f"no such key: {_MARK}key{name}; " for name in KEYED),
            }
        }
    )
    answers = [
        {"kind": "500"},
        {"kind": "html"},
        {"kind": "drop"},
        *(
            {"kind": "answer", "status": status, "body": repeated, "media_type": "application/json"}
            for status in (200, 401, 403, 429)
        ),
    ]
    for number, fault in enumerate(answers):
        server.set_faults([{"source": name, **fault} for name in KEYED])
        log_format = {"TOKENMART_LOG_FORMAT": "json" if number % 2 else "plain"}
        failing = replace(served, environment={**served.environment, **others, **log_format})
        done = failing.run(*(["--debug"] if number % 3 == 0 else []), "daily")
        assert done.returncode == 1, f"{fault}: {done.stdout}"
        said.append(done)
    server.clear_faults()
    for arguments in (["daily"], ["status"], ["notify"], ["--debug", "notify"]):
        done = served.run(*arguments)
        assert done.returncode == (arguments[-1] == "notify"), done.stdout + done.stderr
        said.append(done)
    backups = tmp_path / "backups"
    said.append(served.run("backup", str(backups), "--with-publications"))
    assert said[-1].returncode == 0, said[-1].stdout

    # the market is the test's own, and no run wrote it
    shutil.rmtree(project.data_dir / "sandbox", ignore_errors=True)
    printed = tmp_path / "printed"
    printed.mkdir()
    for number, one in enumerate(said):
        (printed / f"{number}.txt").write_text(one.stdout + one.stderr)
    assert _found(project.data_dir) == []
    assert _found(backups) == []
    assert _found(printed) == []
