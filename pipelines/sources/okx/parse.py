"""OKX payloads to rows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import Parsed, dump, epoch, expect_list, expect_object, parse_rows
from pipelines.sources.okx.tables import FUNDING_RATE_HISTORY, HISTORY_CANDLES, INSTRUMENTS

# of a spot pair the volume is in base currency, and both others are in quote currency
_CANDLE_CELLS = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume_base": 5,
    "volume_quote": 7,
}
_CONFIRM = 8
# too many requests, too busy, system error: the code is a number where a gateway answers
_BUSY = ("50011", "50013", "50026")


def error(payload: object) -> str | None:
    """Return what the body reports as error, or None: OKX sends most of them with a 200.

    Raises:
        PayloadError: the body has no code.
    """
    body = expect_object(payload, "okx")
    if "code" not in body:
        raise PayloadError(f"the body has no code: {dump(payload)[:120]}")
    if str(body["code"]) == "0":
        return None
    return f"code {body['code']}: {body.get('msg', '')}"


def is_busy(payload: Any) -> bool:
    """Tell whether an answer 200 says "ask again later"."""
    return isinstance(payload, dict) and str(payload.get("code")) in _BUSY


def rows(payload: object) -> list[Any]:
    """Return the rows of an answer without an error.

    Raises:
        PayloadError: there is no list of rows.
    """
    return expect_list(expect_object(payload, "okx").get("data"), "okx.data")


def oldest_ms(times: Sequence[Any], what: str) -> int:
    """Return the smallest of a page's own time cells, from where the next page goes on.

    Raises:
        PayloadError: there is none that can be read.
    """
    readable = [at for time in times if type(at := epoch(time)) is int]
    if not readable:
        raise PayloadError(f"{what}: no row of the page has a time in milliseconds")
    return min(readable)


def history_candles(rows: Sequence[Any], inst_id: str, bar: str, latest: datetime) -> Parsed:
    """Parse the rows of `/market/history-candles`: 9 texts, newest first, milliseconds.

    The last cell says whether the candle is closed: "0", and it is left out.
    """
    closed: list[Any] = []
    refused: list[tuple[str, str]] = []
    for row in rows:
        confirm = row[_CONFIRM] if isinstance(row, list) and len(row) > _CONFIRM else "1"
        if confirm == "1":
            closed.append(row)
        elif confirm != "0":
            refused.append((f"confirm: unknown value: {dump(confirm)}", dump(row)))
    parsed = parse_rows(
        HISTORY_CANDLES,
        closed,
        _CANDLE_CELLS,
        constants={"inst_id": inst_id, "bar": bar},
        times={"open_time": "ms"},
        row_length=_CONFIRM + 1,
        latest=latest,
    )
    return replace(parsed, refused=(*parsed.refused, *refused))


def funding_rate_history(rows: Sequence[Any], latest: datetime) -> Parsed:
    """Parse the rows of `/public/funding-rate-history`: objects of texts, newest first."""
    return parse_rows(
        FUNDING_RATE_HISTORY,
        [_stated(row) for row in rows],
        {
            "inst_id": "instId",
            "funding_time": "fundingTime",
            "realized_rate": "realizedRate",
            "funding_rate": "fundingRate",
            "method": "method",
            "formula_type": "formulaType",
        },
        times={"funding_time": "ms"},
        latest=latest,
        sent=rows,
    )


def instruments(rows: Sequence[Any]) -> Parsed:
    """Parse the rows of `/public/instruments`: objects of texts."""
    return parse_rows(
        INSTRUMENTS,
        [_stated(row) for row in rows],
        {
            "inst_type": "instType",
            "inst_id": "instId",
            "inst_family": "instFamily",
            "base_ccy": "baseCcy",
            "quote_ccy": "quoteCcy",
            "settle_ccy": "settleCcy",
            "contract_type": "ctType",
            "contract_value": "ctVal",
            "contract_value_ccy": "ctValCcy",
            "state": "state",
            "list_time": "listTime",
        },
        times={"list_time": "ms"},
        sent=rows,
    )


def _stated(row: Any) -> Any:
    """Return the row without its empty texts: OKX says so where a field does not apply."""
    if not isinstance(row, dict):
        return row
    return {name: cell for name, cell in row.items() if cell != ""}
