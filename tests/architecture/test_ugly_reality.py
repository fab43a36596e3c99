"""What is ugly about the sources of valuations, and the tests that say what becomes of it."""

import ast
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]

UGLY = {
    "49 tickers that several coins have": [
        "tests/models/test_stablecoin_market.py::test_430_coins_with_shared_tickers_stay_apart",
        "tests/models/test_defi.py::test_tickers_lead_to_no_token",
    ],
    "a misspelt mechanism": [
        "tests/models/test_stablecoin_market.py::test_430_coins_with_shared_tickers_stay_apart",
        "tests/models/test_stablecoins.py::test_words_that_nobody_knows_are_reported",
    ],
    "dead coins with supply": [
        "tests/models/test_stablecoins.py::test_a_dead_coin_stops",
        "tests/models/test_stablecoin_market.py::test_430_coins_with_shared_tickers_stay_apart",
    ],
    "volumes below zero, and of 1e16 by wrong decimals": [
        "tests/models/test_defi.py::test_absurd_and_negative_volumes_are_kept_out",
        "tests/models/test_defi.py::test_an_absurd_tvl_is_kept_out_and_hides_no_absurd_volume",
        "tests/models/test_stablecoin_market.py::test_less_than_nothing_and_1e16_are_no_supply",
    ],
    "a day that the source carries forward": [
        "tests/models/test_defi.py::test_a_day_carried_forward_is_no_observation",
        "tests/models/test_stablecoin_market.py::test_a_day_that_the_source_carried_forward_is_reported",
    ],
    "fees without revenue": [
        "tests/models/test_defi.py::test_fees_without_revenue_have_no_supply_side",
    ],
    "zero against missing": [
        "tests/models/test_defi.py::test_zero_is_measured_and_missing_is_unknown",
        "tests/models/test_defi.py::test_what_nobody_tells_is_not_zero",
    ],
    "restated fees": [
        "tests/models/test_defi.py::test_restated_fees_are_versions_and_the_newest_counts",
    ],
    "unlocks of the future in a list of supplies": [
        "tests/models/test_supply.py::test_an_unlock_of_the_future_is_no_supply",
    ],
    "ids that one list has and no other": [
        "tests/models/test_defi.py::test_an_id_of_one_list_only_is_a_protocol",
    ],
    "a source's total that is not the sum of its chains": [
        "tests/models/test_defi.py::test_a_missing_chain_makes_the_total_unknown_or_partial",
    ],
}


@pytest.mark.parametrize("what", UGLY)
def test_each_ugly_thing_has_a_test(what: str) -> None:
    for name in UGLY[what]:
        path, _, function = name.partition("::")
        tree = ast.parse((REPO / path).read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert function in names, f"{path} has no test {function}"
