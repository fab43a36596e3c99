"""Refuses every build of a package but the editable one."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RunFromAClone(BuildHookInterface[Any]):
    """Says that the project is run from its clone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Stop unless the build is that of `pip install --editable`."""
        del build_data
        if version != "editable":
            raise SystemExit(
                "tokenmart is run from a clone of its repository and builds no package: "
                "clone it and run `make install`"
            )
