"""Strategies: whatever JSON can put into a cell, as the HTTP client hands it on."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from pipelines.core.payload import NumberText

# the same examples in every run: a red build must be reproducible from its log alone
FUZZ = settings(max_examples=70, derandomize=True, deadline=None, database=None)

any_text = st.text(st.characters(exclude_categories=()), max_size=12)
number_texts = st.from_regex(
    r"\A[+-]?([0-9]{1,22}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?\Z"
) | st.sampled_from(
    ["", " 1", "1 ", "1,000", "1_000", "0x1f", "1d", "nan", "NaN", "Infinity", "-inf", "true",
     "null", "٣", "1.2.3", "1e", "e5", "-", "+", ".", "12:30", "2024-01-01", "1e400", "-0"]
)  # fmt: skip
integers = (
    st.integers()
    | st.integers(-(10**40), 10**40)
    | st.sampled_from(
        [0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**18, 10**19, 10**20, 10**38]
    )
)
floats = st.floats() | st.sampled_from([0.1, 1e-7, 1.2e21, 5e-324, 1.7976931348623157e308, 1e16])
timestamps = st.sampled_from([1_230_768_000, 1_577_836_800, 1_700_000_000]).flatmap(
    lambda s: st.sampled_from([s, s * 10**3, s * 10**6, s * 10**9, str(s), f"{s}.0", float(s)])
)
scalars = st.none() | st.booleans() | integers | floats | number_texts | any_text | timestamps
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)


def over_the_wire(value: Any) -> Any:
    """Return the value as the HTTP client hands it to a parser."""
    return json.loads(json.dumps(value), parse_float=NumberText)
