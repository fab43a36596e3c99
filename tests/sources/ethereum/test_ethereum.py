"""Ethereum JSON-RPC, on recorded bodies and against a node of this machine."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.extraction.run import Extraction
from pipelines.http.client import HttpClient, RequestFailed, RequestRefused, SourceUnavailable
from pipelines.sources.ethereum import SOURCE, parse, rpc
from pipelines.sources.ethereum.blocks import Block, Range, block_at, first_blocks_from
from pipelines.sources.ethereum.settings import TRANSFER, ZERO_TOPIC
from tests.sources.double import at, days, landed, log_of, recorded
from tests.sources.fuzz import FUZZ, damaged, outcome
from tests.sources.local_api import Answer, Asked, local_api

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-08", "2024-03-09")
GENESIS = int(at("2024-03-01").timestamp())
FINAL_S = int(at("2024-03-10T05:45").timestamp())
TOKEN, OTHER = "0x" + "aa" * 20, "0x" + "bb" * 20
FOLDER = "ethereum_etl_jsonrpc"
# all blocks are of one day
DAYS = parse.Days([0], [FINAL_S // 86_400 * 86_400], 2**40)


def padded(number: int) -> str:
    return f"0x{number:064x}"


def abi_string(text: str) -> str:
    raw = text.encode().ljust(-(-len(text) // 32) * 32, b"\0").hex()
    return f"0x{32:064x}{len(text):064x}{raw}"


def topic(address: str) -> str:
    return f"0x{'0' * 24}{address[2:]}"


def log(
    number: int, index: int, amount: int = 5, mint: bool = True, **changes: Any
) -> dict[str, Any]:
    holder = topic("0x" + "cc" * 20)
    return {
        "address": TOKEN.upper().replace("0X", "0x"), "blockHash": padded(number),
        "blockNumber": hex(number), "data": padded(amount), "logIndex": hex(index),
        "removed": False, "transactionHash": padded(index), "transactionIndex": "0x0",
        "topics": [TRANSFER, ZERO_TOPIC, holder] if mint else [TRANSFER, holder, ZERO_TOPIC],
    } | changes  # fmt: skip


class Chain:
    """A chain whose makers sleep through every tenth slot, and a node that serves it."""

    def __init__(self) -> None:
        self.times = [
            GENESIS + 12 * slot
            for slot in range((int(NOW.timestamp()) - GENESIS) // 12)
            if slot % 10
        ]
        self.final = max(number for number, at_s in enumerate(self.times) if at_s <= FINAL_S)
        self.logs = [
            log(number, number % 7, amount=10**6 * number)
            for number in range(0, len(self.times), 500)
        ]
        self.logs += [log(number, 9, mint=False) for number in range(300, len(self.times), 4000)]
        self.calls: dict[tuple[str, str], Any] = {
            (TOKEN, "0x18160ddd"): padded(123_456_789_000_001),
            (TOKEN, "0x313ce567"): padded(6),
            (TOKEN, "0x95d89b41"): abi_string("USDX"),
        }
        self.refuse: Callable[[int, int], str | None] = lambda first, last: None
        self.ranges: list[int] = []

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        try:
            result: Any = self._result(call["method"], call["params"])
        except ValueError as problem:
            code, message = problem.args
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}}
        return {"jsonrpc": "2.0", "id": call["id"], "result": result}

    def _result(self, method: str, params: list[Any]) -> Any:
        if method == "eth_getBlockByNumber":
            name = params[0]
            assert params[1] is False, "transactions are not needed"
            number = self.final if name == "finalized" else self._quantity(name)
            if number >= len(self.times):
                return None
            return {
                "number": hex(number),
                "hash": padded(number),
                "timestamp": hex(self.times[number]),
            }
        if method == "eth_call":
            assert self._quantity(params[1]) == self.final, "state is asked of the finalized block"
            found = self.calls.get((params[0]["to"], params[0]["data"]), "0x")
            if isinstance(found, Exception):
                raise found
            return found
        assert method == "eth_getLogs"
        first, last = self._quantity(params[0]["fromBlock"]), self._quantity(params[0]["toBlock"])
        assert first <= last <= self.final
        self.ranges.append(last - first + 1)
        if (problem := self.refuse(first, last)) is not None:
            raise ValueError(-32005 if "10000 results" in problem else -32602, problem)
        wanted = params[0]["topics"]
        return [
            entry
            for entry in self.logs
            if first <= int(entry["blockNumber"], 16) <= last
            and all(w is None or w == t for w, t in zip(wanted, entry["topics"], strict=False))
        ]

    @staticmethod
    def _quantity(text: str) -> int:
        assert text == hex(int(text, 16)), f"no leading zeros: {text}"
        return int(text, 16)

    def reply(self, asked: Asked) -> Any:
        assert asked.method == "POST"
        if isinstance(asked.body, list):
            assert len(asked.body) <= 20
            # answers of a batch come in any order
            return [self.answer(call) for call in reversed(asked.body)]
        return self.answer(asked.body)


def client(url: str, *mirrors: str) -> HttpClient:
    return HttpClient("ethereum", url, budget=None, max_attempts=1, mirrors=mirrors)


def run_on(url: str, *mirrors: str, tokens: tuple[str, ...] = (TOKEN, OTHER)) -> Extraction:
    return Extraction(
        client=client(url, *mirrors), fetched_at=NOW, run_id="run", universe=frozenset(tokens)
    )


@pytest.fixture
def chain() -> Chain:
    return Chain()


# -- results to rows


def call_result(folder: Path, selector: str) -> Any:
    (path,) = (folder / FOLDER).glob(f"*eth_call_data_{selector}_*")
    return recorded(path)["result"]


def test_recorded_calls_have_a_bytes32_symbol(shared_data: Path) -> None:
    results = {
        "total_supply": call_result(shared_data, "0x18160ddd"),
        "decimals": call_result(shared_data, "0x313ce567"),
        "symbol": call_result(shared_data, "0x95d89b41"),
    }
    (row,) = parse.token_supply({TOKEN: results}, 1, FINAL_S).rows.to_pylist()
    (path,) = (shared_data / FOLDER).glob("*expected_tokens.csv")
    (expected,) = csv.DictReader(path.read_text().splitlines())
    assert row["symbol"] == expected["symbol"] == "EOS"
    assert row["decimals"] == int(expected["decimals"])
    assert row["total_supply_raw"] == expected["total_supply"]
    assert row["total_supply"] == 10**9
    assert parse.text(call_result(shared_data, "0x06fdde03")) is None, "a name of zero bytes"


def test_recorded_logs_are_the_expected_transfers(shared_data: Path) -> None:
    (path,) = (shared_data / FOLDER).glob("*getFilterLogs*")
    parsed = parse.transfers(recorded(path)["result"], DAYS, {}, LATEST)
    (path,) = (shared_data / FOLDER).glob("test_export_token_transfers_job*expected*.csv")
    expected = list(csv.DictReader(path.read_text().splitlines()))
    rows = parsed.rows.to_pylist()
    assert not parsed.refused
    assert [
        (row["token"], row["from_address"], row["to_address"], row["value_raw"],
         row["transaction_hash"], str(row["log_index"]), str(row["block_number"]))
        for row in rows
    ] == [
        (row["token_address"], row["from_address"], row["to_address"], row["value"],
         row["transaction_hash"], row["log_index"], row["block_number"])
        for row in expected
    ]  # fmt: skip
    assert all(row["value"] is None for row in rows), "units are unknown without decimals"


def test_recorded_logs_of_another_event_are_quarantined(shared_data: Path) -> None:
    (path,) = (shared_data / FOLDER).glob("test_extract_token_transfers_job*__logs.csv")
    logs = [
        {
            "address": row["address"], "blockHash": row["block_hash"],
            "blockNumber": hex(int(row["block_number"])), "data": row["data"],
            "logIndex": hex(int(row["log_index"])), "topics": row["topics"].split(","),
            "transactionHash": row["transaction_hash"],
        }
        for row in csv.DictReader(path.read_text().splitlines())
    ]  # fmt: skip
    parsed = parse.transfers(logs, DAYS, {}, LATEST)
    assert parsed.rows["value_raw"].to_pylist() == ["109000000000000000000", "40000000000"]
    assert [reason for reason, _ in parsed.refused] == ["log: not a Transfer event"]


def test_recorded_supplies_and_blocks_are_numbers(shared_data: Path) -> None:
    folder = shared_data / "etherscan_recorded"
    assert (
        parse.number(json.loads((folder / "get_proxy_block_number.json").read_text())["res"])
        == 11145142
    )
    assert (
        parse.word(json.loads((folder / "get_proxy_call.json").read_text())["res"])
        == 0x601D8888141C00
    )
    (path,) = (shared_data / FOLDER).glob("*alternative_return_type__eth_getBlockByNumber.json")
    number, made_at = parse.block(recorded(path)["result"], "block") or (0, 0)
    assert number == 0x3BA494
    assert datetime.fromtimestamp(made_at, UTC).year == 2017


@pytest.mark.parametrize(
    ("log_entry", "reason"),
    [
        (log(1, 1, removed=True), "removed"),
        (log(1, 1, topics=[TRANSFER, ZERO_TOPIC, ZERO_TOPIC, padded(7)], data="0x"), "4 topics"),
        (log(1, 1, topics=[TRANSFER], data=padded(1) * 3), "1 topics"),
        (log(1, 1, data="0x"), "no amount"),
        (log(1, 1, topics=[TRANSFER, "0x0", ZERO_TOPIC]), "not an address"),
        (log(1, 1, blockNumber=None), "block_number: missing"),
        ("0x", "expected an object"),
    ],
)
def test_what_is_no_transfer_of_a_fungible_token_is_quarantined(
    log_entry: Any, reason: str
) -> None:
    parsed = parse.transfers([log_entry, log(2, 1)], DAYS, {TOKEN: 6}, LATEST)
    assert parsed.row_count == 1
    assert reason in parsed.refused[0][0]


@pytest.mark.parametrize(
    ("raw", "decimals", "units"),
    [
        (123_456_789, 6, Decimal("123.456789")),
        (5 * 10**38, 18, Decimal(5 * 10**20)),
        (None, 6, None),
        (1, None, None),
        (1, 200, None),
    ],
)
def test_amounts_keep_every_digit_or_are_null(
    raw: int | None, decimals: int | None, units: Decimal | None
) -> None:
    assert parse.units(raw, decimals) == (None if raw == 5 * 10**38 else units)


def test_no_code_is_null_and_not_zero() -> None:
    assert parse.number("0x") is None
    assert parse.word("0x") is None
    assert parse.word(padded(0)) == 0
    for junk in ("12", 5, "0xzz", [], {}):
        with pytest.raises(PayloadError):
            parse.number(junk)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (abi_string("USDC"), "USDC"),
        ("0x" + b"MKR".ljust(32, b"\0").hex(), "MKR"),
        ("0x", None),
        (padded(0), None),
        ("0x" + "ff" * 32, None),
        (None, None),
        ("0x123", None),
    ],
)
def test_symbols_are_strings_or_32_bytes(data: Any, text: str | None) -> None:
    assert parse.text(data) == text


# -- the node


def test_supply_is_taken_at_the_finalized_block(chain: Chain) -> None:
    chain.calls[OTHER, "0x18160ddd"] = padded(7)
    chain.calls[OTHER, "0x313ce567"] = ValueError(3, "execution reverted: no decimals")
    with local_api(chain.reply) as api:
        run = run_on(api.url)
        rows = {row["token"]: row for row in landed(SOURCE, run, WINDOW)["token_supply"]}
    assert rows[TOKEN]["total_supply"] == Decimal("123456789.000001")
    assert rows[TOKEN]["symbol"] == "USDX"
    assert rows[TOKEN]["block_number"] == chain.final
    assert rows[TOKEN]["block_time"].timestamp() <= FINAL_S
    assert rows[OTHER]["total_supply"] is None, "a reverted call is unknown, not zero"
    assert rows[OTHER]["total_supply_raw"] == "7"
    assert rows[OTHER]["symbol"] is None, "0x: no code answers"
    assert not run.refusals
    assert log_of(run, "token_supply")[TOKEN]["request_count"] == 2, "the block, then one batch"


def test_mints_and_burns_of_the_windows_days_come_once_each_with_their_day(chain: Chain) -> None:
    with local_api(chain.reply) as api:
        run = run_on(api.url)
        rows = landed(SOURCE, run, WINDOW)["transfers"]
    first, end = int(WINDOW.start_at.timestamp()), int(WINDOW.end_at.timestamp())
    expected = {
        (entry["blockHash"], int(entry["logIndex"], 16))
        for entry in chain.logs
        if first <= chain.times[int(entry["blockNumber"], 16)] < end
    }
    assert {(row["block_hash"], row["log_index"]) for row in rows} == expected
    assert len(rows) == len(expected)
    for row in rows:
        made_at = datetime.fromtimestamp(chain.times[row["block_number"]], UTC)
        assert row["day_time"].date() == made_at.date()
        assert row["token"] == TOKEN, "addresses are lower case"
    burned = [row for row in rows if row["to_address"] == "0x" + "0" * 40]
    assert burned
    assert burned[0]["value"] == Decimal("0.000005")
    assert log_of(run, "transfers")[OTHER]["status"] == "ok", "asked for together"
    assert max(chain.ranges) <= 10_000


def test_a_day_that_is_not_final_is_left_to_the_next_run(chain: Chain) -> None:
    chain.final = max(
        number for number, at_s in enumerate(chain.times) if at_s < WINDOW.end_at.timestamp() - 60
    )
    with local_api(chain.reply) as api:
        run = run_on(api.url)
        rows = landed(SOURCE, run, WINDOW)["transfers"]
    assert {row["day_time"] for row in rows} == {at("2024-03-08")}
    assert log_of(run, "transfers")[TOKEN]["window_end"] == at("2024-03-09")


REFUSALS = [
    ("query returned more than 10000 results. Try with this block range [0x10, 0x73].", 100),
    ("Log response size exceeded. … this block range should work: [0x0, 0x1f3]", 500),
    ("Under the Free tier plan, … requests with up to a 10 block range.", 10),
    ("exceed maximum block range: 50000", 50_000),
    ("ranges over 10000 blocks are not supported on freetier", 10_000),
    ("query exceeds max results 20000, retry with the range 1000-1499", 500),
    ("Max range: 800", 800),
    ("block range is too wide", None),
    ("eth_getLogs is limited to a 10,000 range", 10_000),
    ("range is too large, max is 1k/10k blocks", 1_000),
    ("Maximum allowed number of requested blocks is 3500", 3_500),
    ("eth_getLogs is limited to 1024 block range", 1_024),
    ("Query timeout exceeded. Consider reducing your block range.", None),
]  # fmt: skip


@pytest.mark.parametrize(("message", "blocks"), REFUSALS)
def test_every_known_message_of_too_large_a_range_is_understood(
    message: str, blocks: int | None
) -> None:
    assert rpc.is_too_much(message), message
    assert rpc.allowed_blocks(message) == blocks


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("query returned more than 10000 results. Try with this block range [0x10, 0x1f3].", 200),
        ("Max range: 700", 200),
        ("block range is too wide", 400),
        ("Log response size exceeded.", 413),
    ],
)
def test_ranges_shrink_until_the_node_answers_and_nothing_is_lost(
    chain: Chain, message: str, status: int
) -> None:
    limit = 700
    chain.refuse = lambda first, last: message if last - first + 1 > limit else None

    def reply(asked: Asked) -> Any:
        answer = chain.reply(asked)
        refused = isinstance(answer, list) and any("error" in item for item in answer)
        if not refused or status == 200:
            return answer
        return Answer(next(item for item in answer if "error" in item), status=status)

    with local_api(reply) as api:
        run = run_on(api.url, tokens=(TOKEN,))
        rows = landed(SOURCE, run, days("2024-03-09", "2024-03-09"))["transfers"]
    assert not run.failures
    assert not run.refusals
    assert len(rows) == len({(row["block_hash"], row["log_index"]) for row in rows})
    assert sum(row["to_address"] != "0x" + "0" * 40 for row in rows) in (12, 13), (
        "a mint every 500 blocks of a day's 6480"
    )


def test_a_single_block_that_is_too_much_is_refused() -> None:
    asked = Range(size=1)
    with pytest.raises(RequestRefused, match="single block"):
        asked.shrink(1, None)
    asked = Range(size=8)
    asked.shrink(8, 8)
    assert asked.size == 4, "an allowance that was asked for already is no help"
    asked.grow()
    assert asked.size == 4, "what was too much is not asked again"


def test_a_node_that_allows_next_to_nothing_is_left_for_another(chain: Chain) -> None:
    def poor(asked: Asked) -> Any:
        answers = chain.reply(asked)
        if isinstance(answers, list) and asked.body[0]["method"] == "eth_getLogs":
            problem = {"code": -32600, "message": "requests with up to a 10 block range"}
            return [{"jsonrpc": "2.0", "id": call["id"], "error": problem} for call in asked.body]
        return answers

    with local_api(poor) as first, local_api(chain.reply) as second:
        rows = landed(SOURCE, run_on(first.url, second.url), WINDOW)
    assert rows["transfers"]
    assert len(second.asked) < 40


def test_the_next_node_is_asked_when_one_has_no_state_or_no_patience(chain: Chain) -> None:
    for problem in (
        {"code": -32000, "message": "missing trie node 5f2a (path ) state is not available"},
        {"code": -32000, "message": "required historical state unavailable (reexec=128)"},
        {"code": -32005, "message": "daily request count exceeded, request rate limited"},
        {"code": 35, "message": "chain is not available on free plan, please use paid tier"},
        {"code": 4444, "message": "Pruned history unavailable"},
    ):

        def poor(asked: Asked, problem: Any = problem) -> Any:
            return {"jsonrpc": "2.0", "id": 0, "error": problem}

        with local_api(poor) as first, local_api(chain.reply) as second:
            run = run_on(first.url, second.url)
            rows = landed(SOURCE, run, days("2024-03-09", "2024-03-09"))
        assert len(rows["token_supply"]) == 2, problem
        assert not run.failures
        assert len(first.asked) == 1, "it is not asked again"


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"error": {"code": -32602, "message": "Archive requests require a personal token"}},
               status=403),
        Answer({"message": "chain is not available on free plan", "code": 35}, status=400),
        Answer("<html>gateway</html>", content_type="text/html"),
        Answer("no", status=503),
        Answer("slow down", status=429),
    ],
)  # fmt: skip
def test_the_next_node_is_asked_whatever_way_one_says_no(chain: Chain, answer: Answer) -> None:
    with local_api(lambda _: answer) as first, local_api(chain.reply) as second:
        assert block_at(client(first.url, second.url), "finalized").number == chain.final
    with local_api(lambda _: answer) as only, pytest.raises((SourceUnavailable, RequestFailed)):
        block_at(client(only.url), "finalized")


UNKNOWN = [
    (-32701, "Please, specify less number of addresses"),
    (30, "Request timeout on the free tier, please upgrade your tier to the paid one"),
    (-32602, "range 1000000 exceeds limit of 10000"),
    (-32603, "Internal error"),
    (-32602, "invalid argument: too many addresses in filter"),
    (-32601, "the method eth_getLogs does not exist/is not available"),
    (-1, "something that nobody has said before"),
]


@pytest.mark.parametrize(("code", "message"), UNKNOWN)
def test_what_is_not_known_to_be_our_fault_is_asked_of_the_next_node(
    chain: Chain, code: int, message: str
) -> None:
    def no(asked: Asked) -> Any:
        calls = asked.body if isinstance(asked.body, list) else [asked.body]
        answers = [{"id": one["id"], "error": {"code": code, "message": message}} for one in calls]
        return answers if isinstance(asked.body, list) else answers[0]

    ask = [("eth_getBlockByNumber", [hex(number), False]) for number in range(3)]
    with local_api(no) as first, local_api(chain.reply) as second:
        assert len(rpc.batch(client(first.url, second.url), ask)) == 3
    with local_api(no) as only, pytest.raises((RequestRefused, rpc.TooMuch)):
        rpc.batch(client(only.url), ask)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"id": 0, "result": None},
        {"id": 0, "error": {"code": 3, "message": "execution reverted"}},
    ],
)
def test_a_node_that_answers_nothing_is_left_for_the_next(chain: Chain, answer: Any) -> None:
    with local_api(lambda _: answer) as first, local_api(chain.reply) as second:
        assert block_at(client(first.url, second.url), "finalized").number == chain.final
    with local_api(lambda _: answer) as only, pytest.raises((SourceUnavailable, RequestRefused)):
        block_at(client(only.url), "finalized")


def test_what_the_request_itself_gets_wrong_is_asked_once(chain: Chain) -> None:
    problem = {"code": -32602, "message": "invalid argument 0: hex string without 0x prefix"}
    with (
        local_api(lambda _: {"id": 0, "error": problem}) as first,
        local_api(chain.reply) as second,
        pytest.raises(RequestRefused, match="invalid argument"),
    ):
        rpc.call(client(first.url, second.url), "eth_getBlockByNumber", ["7", False])
    assert not second.asked


def test_fewer_contracts_are_named_where_every_node_wants_that(chain: Chain) -> None:
    def few(asked: Asked) -> Any:
        calls = asked.body if isinstance(asked.body, list) else [asked.body]
        if any(len(one["params"][0].get("address", ())) > 1 for one in calls
               if one["method"] == "eth_getLogs"):  # fmt: skip
            problem = {"code": -32701, "message": "Please, specify less number of addresses"}
            return [{"id": one["id"], "error": problem} for one in calls]
        return chain.reply(asked)

    with local_api(few) as first, local_api(chain.reply) as second:
        fewer = landed(SOURCE, run_on(first.url), WINDOW)["transfers"]
        all_at_once = landed(SOURCE, run_on(second.url), WINDOW)["transfers"]
    key = ("block_hash", "log_index")
    assert {tuple(row[name] for name in key) for row in fewer} == {
        tuple(row[name] for name in key) for row in all_at_once
    }


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (3, "execution reverted: no"),
        (-32000, "execution reverted"),
        (-32015, "VM execution error."),
        (-32000, "VM Exception while processing transaction: revert"),
        (-32000, "an execution problem with a new name"),
    ],
)
def test_one_contract_that_fails_does_not_lose_the_others(
    chain: Chain, code: int, message: str
) -> None:
    for name in ("0x18160ddd", "0x313ce567", "0x95d89b41"):
        chain.calls[OTHER, name] = ValueError(code, message)
    with local_api(chain.reply) as api:
        run = run_on(api.url)
        items = landed(SOURCE, run, WINDOW)
    rows = {row["token"]: row for row in items["token_supply"]}
    assert rows[TOKEN]["total_supply"] == Decimal("123456789.000001")
    assert rows[OTHER]["total_supply"] is None
    assert run.unread["token_supply"].total() == 1, "it is reported"
    assert not run.failures


def test_a_batch_that_is_too_long_for_a_node_is_sent_call_by_call(chain: Chain) -> None:
    def reply(asked: Asked) -> Any:
        if isinstance(asked.body, list):
            message = "Batch of more than 3 requests are not allowed on free tier"
            return Answer({"code": 31, "message": message}, status=400)
        return chain.reply(asked)

    with local_api(reply) as api:
        results = rpc.batch(
            client(api.url), [("eth_getBlockByNumber", [hex(number), False]) for number in range(5)]
        )
    assert [parse.number(result["number"]) for result in results] == [0, 1, 2, 3, 4]


def test_an_answer_that_is_no_json_rpc_is_a_typed_error() -> None:
    for body in ([], {}, [{"id": 7, "result": 1}, {"id": 8, "result": 1}], "text", 5):
        with (
            local_api(lambda _, body=body: body) as api,
            pytest.raises((PayloadError, RequestRefused, SourceUnavailable)),
        ):
            rpc.batch(client(api.url), [("a", []), ("b", [])])


@pytest.mark.parametrize("day", ["2024-03-01", "2024-03-04", "2024-03-10"])
def test_the_first_block_of_a_day_is_found_in_a_few_requests(chain: Chain, day: str) -> None:
    time_s = int(at(day).timestamp())
    true = next(number for number, made_at in enumerate(chain.times) if made_at >= time_s)
    with local_api(chain.reply) as api:
        asking = client(api.url)
        newest = block_at(asking, "finalized")
        assert first_blocks_from(asking, [time_s], None, newest)[0].number == true
        assert len(api.asked) <= 14
        before = len(api.asked)
        if true > 8000:
            start = Block(true - 6480, chain.times[true - 6480])
            assert first_blocks_from(asking, [time_s], start, newest)[0].number == true
            assert len(api.asked) - before <= 8


def test_times_of_an_uneven_chain_are_found_all_the_same() -> None:
    chain = Chain()
    # as before the merge, and with a block that stands for a long silence
    chain.times = [GENESIS + number * 3 for number in range(500)]
    chain.times += [chain.times[-1] + 400_000 + number * 30 for number in range(500)]
    chain.final = 999
    with local_api(chain.reply) as api:
        asking = client(api.url)
        newest = block_at(asking, "finalized")
        for time_s in (chain.times[0], chain.times[499] + 1, chain.times[700] - 1, newest.time_s):
            true = next(number for number, at_s in enumerate(chain.times) if at_s >= time_s)
            assert first_blocks_from(asking, [time_s], None, newest)[0].number == true


@FUZZ
@given(damaged([log(1, 1), log(2, 2, mint=False)]))
def test_damaged_logs_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.transfers(body, DAYS, {TOKEN: 6}, LATEST), payload)


@FUZZ
@given(damaged({"total_supply": padded(5), "decimals": padded(6), "symbol": abi_string("X")}))
def test_damaged_calls_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    if isinstance(payload, dict):
        outcome(lambda body: parse.token_supply({TOKEN: body}, 1, FINAL_S), payload)
