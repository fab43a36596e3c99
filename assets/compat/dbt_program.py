"""dbt's own command line, in a process that ends with its parent and seldom looks for garbage.

It replaces: the program `dbt`. It calls that program's own entry point, which every release of
dbt-core has, so there is no release to be tried.
"""

import sys
from importlib.metadata import distribution

from pipelines.core.garbage import collect_rarely
from pipelines.core.lifeline import end_with


def main() -> None:
    """Do what `dbt` does with the arguments after the first, which is the parent's process id."""
    end_with(int(sys.argv.pop(1)))
    (program,) = distribution("dbt-core").entry_points.select(group="console_scripts", name="dbt")
    dbt = program.load()
    collect_rarely()
    sys.argv[0] = program.name
    sys.exit(dbt())


if __name__ == "__main__":
    main()
