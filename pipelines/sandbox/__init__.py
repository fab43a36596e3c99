"""A market in a box: dataset folders, their generator, and a server of the sources' formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.sandbox.server.run import SandboxError, SandboxProcess, SandboxServer

__all__ = ["SandboxError", "SandboxProcess", "SandboxServer"]


def __getattr__(name: str) -> Any:
    # a web server takes half a second to import, and reading a dataset needs none
    if name in __all__:
        from pipelines.sandbox.server import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
