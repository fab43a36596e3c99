"""Publications: what users open. Built beside, verified, swapped in atomically, kept, diffed.

    publish(settings, clock, run_id, check_results) -> Manifest
    current(settings), publications(settings), rollback(settings, to=None), diff(settings, a, b)

Nothing outside this package writes below `data/published` but the pages, which `pipelines.site`
adds to a version that is there; and nothing in it computes a mart.
"""

from pipelines.publishing.build import PublishError
from pipelines.publishing.comparison import MartDiff, diff
from pipelines.publishing.first_look import FIRST_QUERY, Answer, first_look
from pipelines.publishing.manifest import Manifest, MartEntry
from pipelines.publishing.postgres import mirror
from pipelines.publishing.preview import Preview, PreviewError, previews
from pipelines.publishing.publisher import (
    GateFailed,
    current,
    damaged,
    publications,
    publish,
    rollback,
)

__all__ = [
    "FIRST_QUERY",
    "Answer",
    "GateFailed",
    "Manifest",
    "MartDiff",
    "MartEntry",
    "Preview",
    "PreviewError",
    "PublishError",
    "current",
    "damaged",
    "diff",
    "first_look",
    "mirror",
    "previews",
    "publications",
    "publish",
    "rollback",
]
