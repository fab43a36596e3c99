"""JSON bodies, as fast as the machine allows."""

from __future__ import annotations

import json
from typing import Any

try:
    import orjson
except ModuleNotFoundError:

    def dumps(payload: Any) -> bytes:
        """Return the payload as a compact JSON body."""
        return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()

else:

    def dumps(payload: Any) -> bytes:
        """Return the payload as a compact JSON body."""
        return bytes(orjson.dumps(payload))
