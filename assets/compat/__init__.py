"""What leans on private parts of other people's libraries, which may change with any release.

Each module says what it replaces, why, and what happens without it. It is used on the releases
that it was tried on; on any other one the library does the work in its own way: slower, and right.
"""

import logging
from importlib.metadata import version

TRIED = {"dagster": {"1.13.27"}, "dagster-dbt": {"0.29.27"}}


def is_tried(package: str) -> bool:
    """Whether what is here was tried on the installed release of the package; if not, it is logged.

    Args:
        package: a name in `TRIED`.
    """
    installed = version(package)
    if installed not in TRIED[package]:
        logging.getLogger(__name__).warning(
            "%s %s was not tried: it does its work in its own way", package, installed
        )
        return False
    return True
