"""The sources' own command: `python -m pipelines.sources write` (or `check`)."""

import argparse
import sys

from pipelines import declarations


def main() -> int:
    """Write the files that follow from the declarations, or say which are stale."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.sources", description=main.__doc__)
    parser.add_argument("action", choices=("write", "check"))
    is_check = parser.parse_args().action == "check"
    changed = declarations.stale() if is_check else declarations.write()
    for name in changed:
        print(f"{'stale' if is_check else 'written'}: {name}")
    return 1 if is_check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
