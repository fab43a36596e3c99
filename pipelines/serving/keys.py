"""Who may ask: keys that are stored as hashes, made and withdrawn by `tokenmart keys`.

A key is `tmk_<id>_<secret>`. The id finds the record, the secret is compared by its hash; a secret
of 256 random bits needs no slow hash. A wrong and an unknown key take the same steps.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from pipelines.core.files import naming, replace_file

Scope = Literal["read", "sql"]
_PREFIX = "tmk"
_NOBODY = hashlib.sha256(b"nobody").hexdigest()


class Key(BaseModel):
    """What is kept of a key: everything but the key."""

    model_config = ConfigDict(frozen=True)

    key_id: str
    name: str = Field(description="who has it")
    digest: str
    scopes: tuple[Scope, ...]
    made_at: datetime
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Tell whether it can be used at an instant."""
        return self.withdrawn_at is None and (self.expires_at is None or now < self.expires_at)


_FILE = TypeAdapter(list[Key])


class KeyRing:
    """The keys of one data folder, in one file that is read again when it changes.

    Args:
        path: the file; made with the first key.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, Key] = {}

    def all(self) -> tuple[Key, ...]:
        """Return all keys, in the order in which they were made."""
        self._refresh()
        return tuple(self._keys.values())

    def make(
        self,
        name: str,
        scopes: tuple[Scope, ...],
        now: datetime,
        expires_at: datetime | None = None,
    ) -> str:
        """Make a key and return it: it is shown this once."""
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        made = Key(
            key_id=key_id,
            name=name,
            digest=_digest(secret),
            scopes=scopes,
            made_at=now,
            expires_at=expires_at,
        )
        self._save({**{key.key_id: key for key in self.all()}, key_id: made})
        return f"{_PREFIX}_{key_id}_{secret}"

    def withdraw(self, key_id: str, now: datetime) -> Key:
        """Let a key be refused from now on.

        Raises:
            KeyError: there is none of this id.
        """
        self._refresh()
        withdrawn = self._keys[key_id].model_copy(update={"withdrawn_at": now})
        self._save({**self._keys, key_id: withdrawn})
        return withdrawn

    def find(self, text: str, now: datetime) -> Key | None:
        """Return the key that a text is; None: it is none, or none that holds."""
        self._refresh()
        _, _, rest = text.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self._keys.get(key_id)
        # one comparison whether there is such a key or not
        is_right = hmac.compare_digest(_digest(secret), key.digest if key else _NOBODY)
        return key if key is not None and is_right and key.holds(now) else None

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._keys, self._stamp = {}, None
            return
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp == self._stamp:
            return
        with naming(self._path, "the list of keys", "Restore it, or delete it.", ValueError):
            keys = _FILE.validate_json(self._path.read_bytes())
        self._keys = {key.key_id: key for key in keys}
        self._stamp = stamp

    def _save(self, keys: dict[str, Key]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._path, _FILE.dump_json(list(keys.values()), indent=2) + b"\n")
        self._path.chmod(0o600)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
