"""National Bank of Poland payloads to rows. Pure."""

from __future__ import annotations

from datetime import datetime

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import Parsed, dump, expect_list, expect_object, parse_rows
from pipelines.sources.gold.tables import CURRENCY_RATES, PRICES

METAL = "XAU"


def prices(payload: object, latest: datetime) -> Parsed:
    """Parse `/cenyzlota/{from}/{to}`: objects of `data` (the day) and `cena` (the price).

    Raises:
        PayloadError: the payload is not a list.
    """
    return parse_rows(
        PRICES,
        expect_list(payload, "cenyzlota"),
        {"day_time": "data", "pln_per_gram": "cena"},
        constants={"metal": METAL},
        times={"day_time": "iso"},
        latest=latest,
    )


def currency_rates(payload: object, currency: str, latest: datetime) -> Parsed:
    """Parse `/exchangerates/rates/a/{code}/{from}/{to}`: a header and a list of rates.

    Raises:
        PayloadError: it is of another currency or table, or there is no list.
    """
    body = expect_object(payload, "exchangerates")
    if body.get("code") != currency or body.get("table") != "A":
        raise PayloadError(
            f"exchangerates: asked for {currency} in table A, "
            f"got {dump(body.get('code'))} in {dump(body.get('table'))}"
        )
    return parse_rows(
        CURRENCY_RATES,
        expect_list(body.get("rates"), "exchangerates: rates"),
        {"day_time": "effectiveDate", "pln_per_unit": "mid"},
        constants={"currency": currency},
        times={"day_time": "iso"},
        latest=latest,
    )
