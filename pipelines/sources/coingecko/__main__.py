"""Smoke run of this source."""

import sys

from pipelines.sources.smoke import smoke

if __name__ == "__main__":
    sys.exit(smoke("coingecko"))
