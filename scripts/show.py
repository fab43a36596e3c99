"""Print the tables of a page: each query of it on the published file.

    python scripts/show.py valuations [--file data/published/tokenmart.duckdb]

The pages are `docs/*.md`; a query stands under its heading in a block that begins with ```sql.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

DOCS = Path(__file__).resolve().parents[1] / "docs"


def queries(page: Path) -> Iterator[tuple[str, str]]:
    """Yield heading and text of each query of the page."""
    for section in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.M)[1:]:
        heading = section.splitlines()[0]
        for query in re.findall(r"```sql\n(.*?)```", section, flags=re.S):
            yield heading, query


def main() -> int:
    """Print the page's tables; 1 if there is no such page or file."""
    pages = sorted(page.stem for page in DOCS.glob("*.md") if "```sql" in page.read_text("utf-8"))
    parser = argparse.ArgumentParser(prog="python scripts/show.py", description=__doc__)
    parser.add_argument("page", choices=pages)
    parser.add_argument(
        "--file", type=Path, default=DOCS.parent / "data" / "published" / "tokenmart.duckdb"
    )
    asked = parser.parse_args()
    if not asked.file.exists():
        print(f"error: there is no {asked.file}; `make daily` publishes one", file=sys.stderr)
        return 1
    with duckdb.connect(str(asked.file), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for heading, query in queries(DOCS / f"{asked.page}.md"):
            print(f"\n{heading}")
            print("-" * len(heading))
            connection.sql(query).show(max_width=200, max_rows=60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
