"""The declarations' own command: `write`, `check`, `lineage`, or `smoke NAME`."""

import argparse
import sys

from pipelines.declaring import declarations
from pipelines.sources import SOURCES


def main() -> int:
    """Write the files that follow from the declarations, say which are stale, or try a source."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.declaring", description=main.__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("write", help="write what follows from the declarations")
    actions.add_parser("check", help="say what of it is stale")
    actions.add_parser("lineage", help="write the lineage of columns, from the last build")
    trial = actions.add_parser("smoke", help="ask a source for a few days, and land nothing")
    trial.add_argument("name", choices=SOURCES)
    trial.add_argument("--days", type=_positive, default=3, help="how many complete days")
    trial.add_argument("--plan", action="store_true", help="show the plan, and ask for nothing")
    arguments = parser.parse_args()
    if arguments.action == "smoke":
        # the libraries that print it take longer to load than the others need to run
        from pipelines.declaring.smoke import smoke

        return smoke(arguments.name, arguments.days, is_plan=arguments.plan)
    if arguments.action == "lineage":
        from pipelines.core.settings import get_settings
        from pipelines.declaring import lineage

        is_changed = lineage.write(get_settings().data_dir)
        print(f"{'written' if is_changed else 'as it was'}: {lineage.SEED}")
        return 0
    is_check = arguments.action == "check"
    changed = declarations.stale() if is_check else declarations.write()
    for name in changed:
        print(f"{'stale' if is_check else 'written'}: {name}")
    return 1 if is_check and changed else 0


def _positive(text: str) -> int:
    days = int(text)
    if days < 1:
        raise argparse.ArgumentTypeError("at least one day")
    return days


if __name__ == "__main__":
    sys.exit(main())
