"""The wire formats, a module for each source: it declares its `MOUNT`, and nothing lists them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from pipelines.sandbox.server.mount import Mount

MOUNTS: Mapping[str, Mount] = {
    mount.name: mount
    for mount in (
        import_module(f"{__name__}.{found.name}").MOUNT
        for found in sorted(iter_modules(__path__), key=lambda module: module.name)
    )
}
