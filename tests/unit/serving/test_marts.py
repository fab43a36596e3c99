"""What is asked of the marts, and what comes: pages, forms, versions, and refusals that help."""

import io
import re
from collections.abc import Callable
from typing import Any

import duckdb
import polars as pl
import pytest
from starlette.testclient import TestClient

from pipelines.core.settings import Settings

PRICES = "/v1/prices"


def rows_of(client: TestClient, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """Follow the cursors to the last page."""
    rows: list[dict[str, Any]] = []
    while True:
        response = client.get(path, params=parameters)
        assert response.status_code == 200, response.text
        page = response.json()
        rows.extend(page["data"])
        if page["next_cursor"] is None:
            return rows
        parameters["cursor"] = page["next_cursor"]


ORDERS = ("", "day", "-day", "close_usd", "-close_usd,day", "note,-n_venues", "is_stale,-close_usd")


@pytest.mark.parametrize(
    ("order", "limit"),
    [
        # a page a row takes as many requests as there are rows
        *((order, 1) for order in ("", "-close_usd,day")),
        *((order, limit) for order in ORDERS for limit in (7, 50, 1000)),
    ],
)
def test_pages_are_the_whole_once_and_in_order(
    client: TestClient, settings: Settings, order: str, limit: int
) -> None:
    parameters = {"order": order} if order else {}
    columns = "asset_id,day,close_usd"
    found = rows_of(client, PRICES, limit=limit, columns=columns, **parameters)
    by = ", ".join(
        f"{name.removeprefix('-')} {'desc' if name.startswith('-') else 'asc'} nulls last"
        for name in [*filter(None, order.split(",")), "asset_id", "day"]
    )
    copy = settings.published_dir / "current" / "parquet" / "price_daily.parquet"
    expected = duckdb.sql(
        f"select asset_id, day::varchar, close_usd from '{copy}' order by {by}"
    ).fetchall()
    assert [tuple(row.values()) for row in found] == expected


def test_every_form_has_the_same_rows(client: TestClient) -> None:
    asked = {"asset": "BTC", "start": "2024-01-02", "end": "2024-01-20", "order": "day"}
    forms = {
        form: client.get(PRICES, params={**asked, "format": form})
        for form in ("json", "ndjson", "csv", "arrow", "parquet")
    }
    frames = {
        "arrow": pl.read_ipc_stream(forms["arrow"].content),
        "parquet": pl.read_parquet(forms["parquet"].content),
        "ndjson": pl.read_ndjson(forms["ndjson"].content),
        "csv": pl.read_csv(io.BytesIO(forms["csv"].content)),
        "json": pl.DataFrame(forms["json"].json()["data"], infer_schema_length=None),
    }
    expected = frames["arrow"]
    assert expected.height == 19
    for form, frame in frames.items():
        for column in ("close_usd", "n_venues", "is_stale", "note"):
            assert frame[column].to_list() == expected[column].to_list(), (form, column)
        assert frame["day"].cast(pl.String).to_list() == [
            f"2024-01-{day:02}" for day in range(2, 21)
        ], form
    assert frames["json"]["as_of_ts"][0] == "2024-03-02T06:00:00Z"


def test_a_limit_beyond_all_rows_is_no_limit(client: TestClient) -> None:
    answer = client.get(PRICES, params={"format": "ndjson", "limit": 10**30})
    assert answer.status_code == 200
    assert len(answer.text.splitlines()) == 120


def test_the_form_follows_the_header(client: TestClient) -> None:
    for accept, media in {
        "text/csv": "text/csv",
        "application/json;q=0.5, application/vnd.apache.arrow.stream": (
            "application/vnd.apache.arrow.stream"
        ),
        "text/html, */*;q=0.1": "application/json",
    }.items():
        response = client.get(PRICES, headers={"Accept": accept})
        assert response.headers["content-type"].startswith(media), accept
    refused = client.get(PRICES, headers={"Accept": "image/png"})
    assert refused.status_code == 406


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity"])
def test_answers_are_compressed_as_asked(client: TestClient, encoding: str) -> None:
    response = client.get(PRICES, headers={"Accept-Encoding": encoding})
    assert response.headers.get("content-encoding", "identity") == encoding


def test_an_asset_is_named_by_id_or_symbol(client: TestClient) -> None:
    by_symbol = client.get(f"{PRICES}/btc").json()["data"]
    assert by_symbol == client.get(PRICES, params={"asset": "bitcoin"}).json()["data"]
    assert {row["asset_id"] for row in by_symbol} == {"bitcoin"}
    both = client.get(PRICES, params={"asset": "ETH,bitcoin", "limit": 200}).json()["data"]
    assert {row["asset_id"] for row in both} == {"bitcoin", "ethereum"}


@pytest.mark.parametrize(
    ("path", "parameters", "status", "kind", "says"),
    [
        ("/v1/marts/price_dayly", {}, 404, "unknown-mart", "price_daily"),
        (PRICES, {"columns": "close"}, 404, "unknown-column", "close_usd"),
        (PRICES, {"order": "-clos_usd"}, 404, "unknown-column", "close_usd"),
        (f"{PRICES}/bitcon", {}, 404, "unknown-asset", "bitcoin"),
        (PRICES, {"asset": "LUNA"}, 409, "ambiguous-symbol", "old-terra or terra"),
        (PRICES, {"start": "2024-02-01", "end": "2024-01-01"}, 422, "reversed-range", "swap"),
        ("/v1/marts/dim_asset", {"start": "2024-02-01"}, 422, "unknown-parameter", "start"),
        (PRICES, {"limit": 0}, 422, "invalid-request", "limit"),
        (PRICES, {"limit": 10**30}, 422, "limit-too-high", "next_cursor"),
        (PRICES, {"assset": "bitcoin"}, 422, "unknown-parameter", "asset"),
        (PRICES, {"n_venues": "two"}, 422, "wrong-value", "bigint"),
        (PRICES, {"n_venues": "9" * 40}, 422, "wrong-value", "bigint"),
        (PRICES, {"is_stale": "perhaps"}, 422, "wrong-value", "boolean"),
        (PRICES, {"cursor": "e30"}, 422, "broken-cursor", "begin without one"),
        (PRICES, {"cursor": "ä\x00"}, 422, "broken-cursor", "begin without one"),
        (PRICES, {"version": "../../etc"}, 404, "unknown-version", "/v1/versions"),
        (PRICES, {"known_at": "2020-01-01T00:00:00Z"}, 404, "not-kept", "2024-03-02"),
        (PRICES, {"known_at": "0001-01-01T00:00:00+00:06"}, 404, "not-kept", "2024-03-02"),
        (PRICES, {"known_at": "2020-01-01T00:00:00"}, 422, "invalid-request", "timezone"),
        ("/v1/nothing", {}, 404, "not-found", "Not Found"),
        ("/nothing.html", {}, 404, "no-pages", "tokenmart site"),
    ],
)
def test_what_cannot_be_answered_says_what_to_do(
    client: TestClient,
    path: str,
    parameters: dict[str, Any],
    status: int,
    kind: str,
    says: str,
) -> None:
    response = client.get(path, params=parameters)
    problem = response.json()
    assert response.status_code == status, problem
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"/v1/problems/{kind}"
    assert problem["status"] == status
    assert says in problem["detail"]


def test_a_cursor_is_of_its_question(client: TestClient) -> None:
    cursor = client.get(PRICES, params={"limit": 3}).json()["next_cursor"]
    other = client.get(PRICES, params={"limit": 3, "order": "-day", "cursor": cursor})
    assert other.json()["type"] == "/v1/problems/foreign-cursor"


def test_pages_stay_with_their_publication(
    client: TestClient, publish: Callable[..., Any], settings: Settings
) -> None:
    whole = rows_of(client, PRICES, limit=1000)
    first = client.get(PRICES, params={"limit": 70}).json()
    publish(base=900.0)
    rest = client.get(PRICES, params={"limit": 70, "cursor": first["next_cursor"]}).json()
    assert first["version"] == rest["version"] != client.get(PRICES).json()["version"]
    assert first["data"] + rest["data"] == whole, "a page of another publication was mixed in"
    mixed = client.get(
        PRICES, params={"cursor": first["next_cursor"], "known_at": "2024-03-02T06:30:00Z"}
    )
    assert mixed.json()["type"] == "/v1/problems/two-versions"


def test_kept_publications_answer_again(client: TestClient, publish: Callable[..., Any]) -> None:
    old = client.get("/v1/versions").json()[0]["version"]
    before = client.get(f"{PRICES}/BTC").json()
    new = publish(base=900.0).version
    now = client.get(f"{PRICES}/BTC").json()
    assert (now["version"], before["version"]) == (new, old)
    assert now["data"] != before["data"]
    assert client.get(f"{PRICES}/BTC", params={"version": old}).json() == before
    at = client.get(f"{PRICES}/BTC", params={"known_at": "2024-03-02T06:00:30Z"})
    assert at.json() == before
    for _ in range(3):
        publish()
    gone = client.get(f"{PRICES}/BTC", params={"version": "20240302T050000Z-00000000"})
    assert gone.json()["type"] == "/v1/problems/unknown-version"


def test_what_the_client_has_is_not_sent_again(
    client: TestClient, publish: Callable[..., Any]
) -> None:
    first = client.get(f"{PRICES}/BTC")
    known = {"If-None-Match": first.headers["etag"]}
    again = client.get(f"{PRICES}/BTC", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{PRICES}/ETH", headers=known).status_code == 200, "another question"
    publish(base=900.0)
    assert client.get(f"{PRICES}/BTC", headers=known).status_code == 200, "another publication"
    pinned = client.get(f"{PRICES}/BTC", params={"version": first.headers["tokenmart-version"]})
    assert "immutable" in pinned.headers["cache-control"]


def test_a_bot_asks_for_what_it_has_not_seen(
    client: TestClient, publish: Callable[..., Any]
) -> None:
    seen = client.get("/v1/alerts", params={"after_seq": 3}).json()["data"]
    assert [row["event_seq"] for row in seen] == [4, 5]
    assert client.get("/v1/alerts", params={"after_seq": 5}).json()["data"] == []
    assert client.get("/v1/alerts", params={"after_seq": 5, "wait_s": 0.2}).json()["data"] == []
    publish(events=6)
    woken = client.get("/v1/alerts", params={"after_seq": 5, "wait_s": 30}).json()["data"]
    assert [row["event_seq"] for row in woken] == [6]


def test_openapi_says_what_each_field_means(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    field = schema["components"]["schemas"]["PriceDaily"]["properties"]["close_usd"]
    assert field["unit"] == "USD"
    assert field["null_rule"] == "no venue"
    assert "median of venues" in field["description"]
    asked = schema["paths"]["/v1/prices/{asset}"]["get"]["parameters"]
    names = {parameter["name"] for parameter in asked}
    assert {"asset", "start", "end", "columns", "order", "limit", "cursor", "known_at"} <= names


def test_the_catalog_lists_marts_and_their_columns(client: TestClient) -> None:
    listed = {mart["mart"]: mart for mart in client.get("/v1/catalog").json()}
    assert listed["price_daily"]["path"] == "/v1/prices"
    assert listed["price_daily"]["rows"] == 120
    meaning = client.get("/v1/catalog/price_daily").json()
    close = next(column for column in meaning["columns"] if column["column"] == "close_usd")
    assert close["formula_anchor"] == "docs/formulas.md#canonical-close"


def test_the_documentation_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded, "the page has no script"
    for address in loaded:
        assert address.startswith("/"), f"{address} is somebody else's"
        assert client.get(address).status_code == 200, address


def test_nothing_is_written_here(client: TestClient) -> None:
    response = client.delete(PRICES)
    assert (response.status_code, response.headers["allow"]) == (405, "GET")
    assert response.json()["status"] == 405
