"""How often Python looks for garbage in cycles.

A run makes millions of small objects that live on: parsed answers, events, dbt's manifest. The
collector walks all of them again and again and finds nothing: a twelfth of a run's processor time.
What is in no cycle is freed at once all the same.
"""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """Look for young garbage as ever, and walk what has lived long but now and then."""
    gc.freeze()
    gc.set_threshold(700, 10, 1_000)
