"""What a body is made of, and what is said of one that is something else."""


class PayloadError(Exception):
    """An answer that is not what the source documents; the message names what was expected."""


class NumberText(str):
    """A JSON number as it was written: text that must not pass for a text value."""

    __slots__ = ()
