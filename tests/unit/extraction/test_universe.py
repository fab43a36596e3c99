"""Whose codes are curated: the seed, and a curation folder beside it."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.core.settings import Settings
from pipelines.extraction import universe
from pipelines.extraction.universe import UniverseError

SEED = "source,source_id,asset_id\nkraken,XBT,bitcoin\nkraken,ETH,ethereum\nbinance,BTC,bitcoin\n"


@pytest.fixture
def seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dbt project with an alias seed of its own."""
    folder = tmp_path / "dbt" / "seeds" / "curation"
    folder.mkdir(parents=True)
    (folder / universe.ALIAS_SEED).write_text(SEED)
    monkeypatch.setattr(Settings, "dbt_dir", tmp_path / "dbt")
    return folder


@pytest.fixture
def curation(tmp_path: Path) -> Path:
    folder = tmp_path / "curation"
    folder.mkdir()
    market = ("kraken", "binance", "kraken"), ("DOGE", "PEPE", "JUNK"), ("USD", "USDT", "USD")
    venues, bases, quotes = market
    pl.DataFrame(
        {
            "venue": venues,
            "base_code": bases,
            "quote_code": quotes,
            "base_asset_id": ["dogecoin", "pepe", None],
            "quote_asset_id": ["fiat-usd", "tether", "fiat-usd"],
        }
    ).write_parquet(folder / "markets.parquet")
    pl.DataFrame(
        {"asset_id": ["bitcoin", "dogecoin"], "coinmetrics_id": ["btc", None]}
    ).write_parquet(folder / "assets.parquet")
    pl.DataFrame({"stablecoin_id": ["1", "2"]}).write_parquet(folder / "stablecoins.parquet")
    return folder


def codes(source: str, curation: Path | None = None) -> set[str]:
    return set(universe.codes(Settings(_env_file=None, curation_dir=curation), source))


def test_the_seed_alone(seeds: Path) -> None:
    assert codes("kraken") == {"XBT", "ETH"}
    assert codes("binance") == {"BTC"}
    assert codes("coinmetrics") == set()


def test_a_curation_folder_adds(seeds: Path, curation: Path) -> None:
    assert codes("kraken", curation) == {"XBT", "ETH", "DOGE", "USD"}, "JUNK is not mapped"
    assert codes("binance", curation) == {"BTC", "PEPE", "USDT"}
    assert codes("coinmetrics", curation) == {"btc"}
    assert codes("defillama_stablecoins", curation) == {"1", "2"}


def test_a_table_may_be_a_folder_of_files(seeds: Path, curation: Path) -> None:
    markets = pl.read_parquet(curation / "markets.parquet")
    (curation / "markets.parquet").unlink()
    (curation / "markets").mkdir()
    markets[:1].write_parquet(curation / "markets" / "a.parquet")
    markets[1:].write_parquet(curation / "markets" / "b.parquet")
    assert codes("binance", curation) == {"BTC", "PEPE", "USDT"}


def test_optional_tables_and_columns_may_be_absent(seeds: Path, curation: Path) -> None:
    for name in ("assets", "stablecoins"):
        (curation / f"{name}.parquet").unlink()
    markets = pl.read_parquet(curation / "markets.parquet").drop("quote_asset_id")
    markets.write_parquet(curation / "markets.parquet")
    assert codes("kraken", curation) == {"XBT", "ETH", "DOGE"}
    assert codes("coinmetrics", curation) == set()
    assert codes("defillama_stablecoins", curation) == set()


def test_a_missing_column_is_named(seeds: Path, curation: Path) -> None:
    markets = pl.read_parquet(curation / "markets.parquet").drop("venue")
    markets.write_parquet(curation / "markets.parquet")
    with pytest.raises(UniverseError, match=r"markets lacks the columns \['venue'\]"):
        codes("kraken", curation)
    (seeds / universe.ALIAS_SEED).write_text("source,code\nkraken,XBT\n")
    with pytest.raises(UniverseError, match=r"lacks the columns \['source_id'\]"):
        codes("kraken")


def test_a_folder_that_is_not_there_is_an_error(seeds: Path, tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match=r"curation folder .*nowhere does not exist"):
        codes("kraken", tmp_path / "nowhere")


def test_a_file_that_is_no_parquet_is_an_error(seeds: Path, curation: Path) -> None:
    (curation / "assets.parquet").write_bytes(b"asset_id\nbitcoin\n")
    with pytest.raises(UniverseError, match="assets cannot be read"):
        codes("kraken", curation)


def test_there_is_one_seed(seeds: Path) -> None:
    (seeds / universe.ALIAS_SEED).rename(seeds / "other.csv")
    with pytest.raises(
        UniverseError, match=r"expected one dim_asset_alias_curated\.csv below .* found \[\]"
    ):
        codes("kraken")


def test_protocols_and_contracts_are_known_by_ids_of_their_own(seeds: Path, curation: Path) -> None:
    pl.DataFrame({"protocol": ["uniswap-v3"]}).write_parquet(curation / "protocols.parquet")
    pl.DataFrame({"address": ["0xaa"]}).write_parquet(curation / "tokens.parquet")
    assert codes("defillama", curation) == {"uniswap-v3"}
    assert codes("ethereum", curation) == {"0xaa"}
    assert codes("defillama") == set()
