"""The factor catalogue as the formula book has it: `python -m pipelines.research.catalogue`."""

from __future__ import annotations

from pipelines.analytics.factors import catalogue


def table() -> str:
    """Each factor with its family, sign, formula and source, as a Markdown table."""
    lines = ["| factor | family | good is | formula | source |", "|---|---|---|---|---|"]
    lines += [
        f"| `{factor.name}` | {factor.family} | {'high' if factor.sign > 0 else 'low'} "
        f"| {factor.formula} | {factor.source} |"
        for factor in catalogue()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
