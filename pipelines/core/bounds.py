"""How much an answer of a source may be, in bytes and in time."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 2**20


class Bounds(BaseModel):
    """What is larger or slower is refused, before it fills the memory or the day.

    The defaults leave an order of magnitude above what any source is known to answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_bytes: int = Field(
        default=256 * MIB, ge=1, description="of an answer or a file, as sent and as decoded"
    )
    max_archive_bytes: int = Field(
        default=1024 * MIB, ge=1, description="of an archive, unpacked; it is read piece by piece"
    )
    max_ratio: float = Field(
        default=100, ge=1, description="unpacked to packed, where it unpacks to more than 8 MiB"
    )
    max_line_bytes: int = Field(default=MIB, ge=1, description="of a line of text")
    max_values: int = Field(
        default=10_000_000, ge=1, description="of JSON: each takes up to 100 bytes of memory"
    )
    total_s: float = Field(
        default=300, gt=0, description="seconds from a request to the end of its answer"
    )

    def of_answer(self, packed: int, unpacked: int) -> str | None:
        """Return which bound an answer of that size breaks; None: it breaks none."""
        if max(packed, unpacked) > self.max_bytes:
            return f"more than {self.max_bytes:,} bytes (max_bytes)"
        return self._of_ratio(packed, unpacked)

    def of_archive(self, packed: int, unpacked: int) -> str | None:
        """Return which bound an archive that unpacks to that size breaks; None: it breaks none."""
        if unpacked > self.max_archive_bytes:
            return f"more than {self.max_archive_bytes:,} bytes unpacked (max_archive_bytes)"
        return self._of_ratio(packed, unpacked)

    def _of_ratio(self, packed: int, unpacked: int) -> str | None:
        if unpacked > max(packed * self.max_ratio, 8 * MIB):
            return f"more than {self.max_ratio:g} times what was sent, unpacked (max_ratio)"
        return None

    def of_json(self, text: bytes) -> str | None:
        """Return which bound the values of a JSON text break; None: they break none.

        By what stands between them, which is counted at once: a text of a hundred megabytes can
        hold fifty million empty lists, and fill the memory that it does not fill itself.
        """
        if sum(map(text.count, (b",", b":", b"[", b"{"))) > self.max_values:
            return f"more than {self.max_values:,} values (max_values)"
        return None

    def of_lines(self, text: bytes) -> str | None:
        """Return which bound the lines of a text break; None: they break none."""
        start = 0
        while len(text) - start > self.max_line_bytes:
            newline = text.rfind(b"\n", start, start + self.max_line_bytes + 1)
            if newline < 0:
                return f"a line of more than {self.max_line_bytes:,} bytes (max_line_bytes)"
            start = newline + 1
        return None
