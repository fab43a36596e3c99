"""What dbt works out anew for each invocation and model, worked out once for a process of tests.

Tests build hundreds of small warehouses with one parsed project. A tenth of that is the database;
most of the rest is the same each time. Nothing here changes what is built: without it, model tests
only take longer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import dbt_common.clients.agate_helper as agate_helper
from dbt.compilation import Compiler
from dbt_common.clients.jinja import MacroFuzzEnvironment
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager


@cache
def hurry() -> None:
    """Let dbt remember in this process: templates, graphs, and what it logs of use to nobody."""
    MacroFuzzEnvironment.compile = _templates_once(MacroFuzzEnvironment.compile)
    Compiler.compile = _graph_once(Compiler.compile)
    EventManager.fire_event = _unless_for_debugging(EventManager.fire_event)
    agate_helper.build_type_tester = _type_testers_once(agate_helper.build_type_tester)


def _templates_once(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """The code of a template follows from its text and the kind of its environment."""
    known: dict[tuple[type, str], Any] = {}

    def compiled(self: Any, source: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(source, str) or arguments or options:
            return compile_(self, source, *arguments, **options)
        key = (type(self), source)
        if key not in known:
            known[key] = compile_(self, source)
        return known[key]

    return compiled


def _graph_once(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """The graph follows from the manifest, of which there is one; dbt takes copies of the graph."""
    known: dict[tuple[int, bool], tuple[Any, Any]] = {}

    def compiled(self: Any, manifest: Any, write: bool = True, add_test_edges: bool = False) -> Any:
        key = (id(manifest), add_test_edges)
        if key not in known:
            # the manifest is kept, so that no other one gets its id
            known[key] = (manifest, compile_(self, manifest, write, add_test_edges))
        return known[key][1]

    return compiled


def _unless_for_debugging(fire: Callable[..., Any]) -> Callable[..., Any]:
    """Boxes are built without a log; what warns or fails is handled as ever."""

    def fired(self: Any, e: Any, level: Any = None, *arguments: Any, **options: Any) -> None:
        if (level or e.level_tag()) != EventLevel.DEBUG:
            fire(self, e, level, *arguments, **options)

    return fired


def _type_testers_once(build: Callable[..., Any]) -> Callable[..., Any]:
    """A tester of types has no state; making one compiles the patterns of dates in all locales."""
    build_once = cache(build)

    def built(text_columns: Any, string_null_values: Any = ("null", "")) -> Any:
        return build_once(tuple(text_columns), tuple(string_null_values))

    return built
