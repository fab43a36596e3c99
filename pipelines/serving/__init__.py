"""The service over the publications: typed, versioned, read-only. Started by `tokenmart serve`.

app = make_app(settings, clock)      an ASGI application
Shelf(published_dir)                 the publications, each open once
"""

from pipelines.serving.app import make_app
from pipelines.serving.shelf import Shelf

__all__ = ["Shelf", "make_app"]
