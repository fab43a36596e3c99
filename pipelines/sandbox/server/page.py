"""The page that a person sees who opens the sandbox in a browser."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from pipelines.sandbox.server.state import State

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;text-align:left;
border-bottom:1px solid #ddd;vertical-align:top}code{background:#f3f3f3;padding:0 .25rem}
"""


def index(state: State, endpoints: Iterable[tuple[str, str]]) -> str:
    """Return the page: the dataset, the clock, the addresses to ask, the planted defects."""
    dataset = state.dataset
    facts = [
        ("dataset", f"{dataset.name} ({dataset.path})"),
        ("about", dataset.meta.description),
        ("days", f"{dataset.start} to {dataset.end}"),
        ("clock", state.now.isoformat()),
        ("tables", ", ".join(sorted(dataset.files))),
    ]
    scenarios = [
        (one.id, one.entity, f"{one.from_} to {one.to}", one.what, one.expect)
        for one in dataset.scenarios
    ]
    addresses = [(_link(path), escape(what)) for path, what in endpoints]
    return (
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Sandbox</title>"
        f"<style>{_STYLE}</style></head><body><h1>Sandbox: {escape(dataset.name)}</h1>"
        f"{_table((), facts)}"
        "<h2>Ask</h2>"
        f"{_table(('address', 'what it is'), addresses, raw=True)}"
        '<h2>Control</h2><p><code>PUT /_sandbox/clock</code> <code>{"now": "…Z"}</code> moves the '
        "clock; <code>PUT /_sandbox/faults</code> plants faults, <code>DELETE</code> takes them "
        "away; <code>GET</code> shows either.</p>"
        f"<h2>Planted defects ({len(scenarios)})</h2>"
        f"{_table(('', 'where', 'when', 'what', 'what a good pipeline makes of it'), scenarios)}"
        "</body></html>"
    )


def _link(path: str) -> str:
    return f'<a href="{escape(path)}"><code>{escape(path)}</code></a>'


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]], *, raw: bool = False) -> str:
    shown = "".join(f"<th>{escape(head)}</th>" for head in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell if raw else escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table>{f'<tr>{shown}</tr>' if shown else ''}{body}</table>"
