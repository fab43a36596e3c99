"""What people look at: static pages of one publication, to be opened from disk or served.

    make(publication folder, out) -> Made

Only published marts are read. Each page is text with its data inside: no page asks for anything.
"""

from pipelines.site.build import INDEX, Made, NotASite, make

__all__ = ["INDEX", "Made", "NotASite", "make"]
