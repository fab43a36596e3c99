"""Which sources there are, without importing one."""

from pathlib import Path
from pkgutil import iter_modules

# a folder there is a source; nothing lists them
SOURCES: tuple[str, ...] = tuple(
    sorted(
        found.name
        for found in iter_modules([str(Path(__file__).resolve().parents[1] / "sources")])
        if found.ispkg
    )
)
