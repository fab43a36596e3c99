"""Who is in the generated market: assets, stablecoins, and the parts they play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.sandbox.generator.settings import GeneratorSettings


@dataclass(frozen=True)
class AssetSpec:
    """One asset of the cast.

    Attributes:
        asset_id: canonical id.
        code: ticker on venues.
        name: for people.
        asset_class: as in the layout.
        sector: assets of one sector move together a little.
        price: USD on the first day.
        supply: units on the first day.
        beta: how strongly it follows the market.
        sigma: its own daily volatility.
        inflation: yearly growth of its supply.
        coinmetrics_id: if Coin Metrics reads its ledger.
        chain: "pow" or "pos" for a chain's own coin; None for a token.
        listed_back_d: listed so many days before the end; None: from the first day.
    """

    asset_id: str
    code: str
    name: str
    asset_class: str
    sector: str
    price: float
    supply: float
    beta: float = 1.2
    sigma: float = 0.03
    inflation: float = 0.03
    coinmetrics_id: str | None = None
    chain: str | None = None
    listed_back_d: int | None = None

    @property
    def cap_usd(self) -> float:
        """What it is worth on the first day."""
        return self.price * self.supply

    @property
    def is_made_up(self) -> bool:
        """Whether no source but the venues can know it."""
        return self.asset_id.startswith("sandbox-")

    @property
    def estimated_as(self) -> str | None:
        """Coin Metrics' id: what real venues list has an estimated market cap there."""
        return self.coinmetrics_id or (None if self.is_made_up else self.code.lower())

    @property
    def is_drawn_apart(self) -> bool:
        """Whether its path is drawn from random numbers of its own."""
        return self in _FIELD or self.asset_id == "vnx-gold"


@dataclass(frozen=True)
class StableSpec:
    """One stablecoin of the cast.

    Attributes:
        stablecoin_id: DefiLlama's id.
        asset_id: canonical id, and CoinGecko's.
        code: ticker.
        name: for people.
        mechanism: DefiLlama's word.
        supply: units on the first day.
        growth: yearly growth of the supply, as a log return.
        chains: share of each chain; the first is where it is issued.
        bridged: chains of those that are reached by a bridge.
        peg: what one unit is worth: "USD" or "EUR".
        coinmetrics_id: if Coin Metrics covers it.
        noise_bps: daily volatility of its deviation from the peg.
    """

    stablecoin_id: str
    asset_id: str
    code: str
    name: str
    mechanism: str
    supply: float
    growth: float
    chains: dict[str, float] = field(default_factory=lambda: {"Ethereum": 1.0})
    bridged: tuple[str, ...] = ()
    peg: str = "USD"
    coinmetrics_id: str | None = None
    noise_bps: float = 4.0


# the parts; each plays a scenario of the catalogue
REDENOMINATED = "sandbox-redenominated"
TICKER_OLD = "sandbox-vega-classic"
TICKER_NEW = "sandbox-vega"
DELISTED = "sandbox-delisted"
DEAD = "sandbox-grave"
CONSTANT = "sandbox-flat"
TWINS = ("sandbox-twin-a", "sandbox-twin-b")
BACKING = "sandbox-nova"
SPIRAL = "sandbox-nova-usd"
YOUNG = ("sandbox-young-5", "sandbox-young-20", "sandbox-young-60")
# two coins that one venue alone lists
LONELY_FALL = "nusd"
LONELY_WICK = "frax"
LEFTOVER = "terrausd"
DIPPING = "usd-coin"
SLOW_DEPEG = "true-usd"
MISSPELLED = "magic-internet-money"
WICKED_STABLE = "ethena-usde"
SPIKED = "dai"
# fewer of the cast belong to it than make a basket
SILENT_NARRATIVE = "social_creator"

_MAJORS = (
    AssetSpec(
        "bitcoin",
        "BTC",
        "Bitcoin",
        "coin",
        "store",
        34_500,
        19.53e6,
        1.0,
        0.004,
        0.017,
        "btc",
        "pow",
    ),
    AssetSpec(
        "ethereum",
        "ETH",
        "Ethereum",
        "coin",
        "platform",
        1_810,
        120.2e6,
        1.15,
        0.014,
        0.003,
        "eth",
        "pos",
    ),
    AssetSpec(
        "solana", "SOL", "Solana", "coin", "platform", 38.5, 420e6, 1.35, 0.028, 0.05, None, "pos"
    ),
)
_PARTS = (
    AssetSpec(
        REDENOMINATED,
        "SBXRED",
        "Redenominated",
        "coin",
        "platform",
        320,
        11e6,
        coinmetrics_id="sbxred",
        chain="pos",
    ),
    AssetSpec(TICKER_OLD, "SBXVEGA", "Vega Classic", "coin", "platform", 8.2, 210e6),
    AssetSpec(TICKER_NEW, "SBXVEGA", "Vega", "coin", "platform", 1.9, 500e6),
    AssetSpec(DELISTED, "SBXHALT", "Delisted", "token", "defi", 2.4, 90e6),
    AssetSpec(DEAD, "SBXGRV", "Grave", "token", "gaming", 0.85, 300e6),
    AssetSpec(CONSTANT, "SBXFLAT", "Flat", "token", "gaming", 0.25, 400e6),
    AssetSpec(TWINS[0], "SBXTWA", "Twin A", "token", "ai", 4.5, 120e6),
    AssetSpec(TWINS[1], "SBXTWB", "Twin B", "token", "ai", 4.5, 120e6),
    AssetSpec(
        BACKING,
        "SBXNOVA",
        "Nova",
        "coin",
        "platform",
        46.0,
        340e6,
        coinmetrics_id="sbxnova",
        chain="pos",
    ),
    AssetSpec(YOUNG[0], "SBXYA", "Young A", "token", "ai", 1.3, 200e6, listed_back_d=5),
    AssetSpec(YOUNG[1], "SBXYB", "Young B", "token", "defi", 0.7, 350e6, listed_back_d=20),
    AssetSpec(YOUNG[2], "SBXYC", "Young C", "token", "gaming", 3.1, 90e6, listed_back_d=60),
)
_OTHERS = (
    AssetSpec(
        "chainlink", "LINK", "Chainlink", "token", "data", 11.2, 557e6, 1.3, 0.028, 0.06, "link"
    ),
    AssetSpec(
        "ripple", "XRP", "XRP", "coin", "payment", 0.60, 53.5e9, 1.0, 0.03, 0.04, "xrp", "pos"
    ),
    AssetSpec(
        "cardano",
        "ADA",
        "Cardano",
        "coin",
        "platform",
        0.30,
        35.2e9,
        1.2,
        0.024,
        0.015,
        "ada",
        "pos",
    ),
    AssetSpec("aave", "AAVE", "Aave", "token", "defi", 85, 14.6e6, 1.35, 0.03, 0.01, "aave"),
    AssetSpec(
        "litecoin", "LTC", "Litecoin", "coin", "payment", 69, 73.8e6, 1.0, 0.022, 0.02, "ltc", "pow"
    ),
    AssetSpec(
        "dogecoin",
        "DOGE",
        "Dogecoin",
        "coin",
        "meme",
        0.068,
        141.6e9,
        1.35,
        0.036,
        0.035,
        "doge",
        "pow",
    ),
    AssetSpec("binancecoin", "BNB", "BNB", "coin", "exchange", 228, 151e6, 0.95, 0.016, -0.02),
    AssetSpec(
        "avalanche-2",
        "AVAX",
        "Avalanche",
        "coin",
        "platform",
        11.5,
        355e6,
        1.4,
        0.03,
        0.06,
        None,
        "pos",
    ),
    AssetSpec(
        "polkadot",
        "DOT",
        "Polkadot",
        "coin",
        "platform",
        4.4,
        1.22e9,
        1.3,
        0.026,
        0.09,
        "dot",
        "pos",
    ),
    AssetSpec("uniswap", "UNI", "Uniswap", "token", "dex", 4.1, 598e6, 1.3, 0.033, 0.01, "uni"),
    AssetSpec(
        "tron", "TRX", "TRON", "coin", "platform", 0.095, 89e9, 0.7, 0.016, -0.02, "trx", "pos"
    ),
    AssetSpec(
        "bitcoin-cash",
        "BCH",
        "Bitcoin Cash",
        "coin",
        "payment",
        240,
        19.5e6,
        1.1,
        0.028,
        0.017,
        "bch",
        "pow",
    ),
    AssetSpec(
        "stellar", "XLM", "Stellar", "coin", "payment", 0.118, 28e9, 1.05, 0.027, 0.03, "xlm", "pos"
    ),
    AssetSpec(
        "pancakeswap-token", "CAKE", "PancakeSwap", "token", "dex", 1.62, 280e6, 1.2, 0.031, -0.03
    ),
    AssetSpec(
        "aerodrome-finance", "AERO", "Aerodrome", "token", "dex", 0.42, 400e6, 1.4, 0.05, 0.3
    ),
    AssetSpec("pendle", "PENDLE", "Pendle", "token", "defi", 0.95, 95e6, 1.35, 0.042, 0.1),
    AssetSpec("ethena", "ENA", "Ethena", "token", "defi", 0.62, 1.4e9, 1.5, 0.045, 0.4),
    AssetSpec(
        "cosmos", "ATOM", "Cosmos", "coin", "platform", 7.4, 380e6, 1.2, 0.026, 0.08, None, "pos"
    ),
    AssetSpec("near", "NEAR", "NEAR", "coin", "platform", 1.35, 990e6, 1.4, 0.034, 0.05),
    AssetSpec(
        "internet-computer",
        "ICP",
        "Internet Computer",
        "coin",
        "platform",
        4.1,
        447e6,
        1.35,
        0.034,
        0.04,
    ),
    AssetSpec("aptos", "APT", "Aptos", "coin", "platform", 6.8, 270e6, 1.35, 0.034, 0.2),
    AssetSpec("arbitrum", "ARB", "Arbitrum", "token", "layer2", 1.02, 1.27e9, 1.35, 0.031, 0.5),
    AssetSpec("optimism", "OP", "Optimism", "token", "layer2", 1.42, 880e6, 1.4, 0.034, 0.3),
    AssetSpec("filecoin", "FIL", "Filecoin", "coin", "depin", 3.9, 460e6, 1.3, 0.029, 0.15),
    AssetSpec(
        "hedera-hashgraph", "HBAR", "Hedera", "coin", "platform", 0.054, 33e9, 1.25, 0.035, 0.07
    ),
    AssetSpec("vechain", "VET", "VeChain", "coin", "platform", 0.0195, 72.7e9, 1.25, 0.028, 0.05),
    AssetSpec("the-graph", "GRT", "The Graph", "token", "data", 0.115, 9.3e9, 1.4, 0.036, 0.03),
    AssetSpec(
        "algorand",
        "ALGO",
        "Algorand",
        "coin",
        "platform",
        0.102,
        7.9e9,
        1.2,
        0.028,
        0.03,
        "algo",
        "pos",
    ),
    AssetSpec(
        "injective-protocol", "INJ", "Injective", "coin", "platform", 13.6, 84e6, 1.45, 0.04, 0.04
    ),
    AssetSpec("sui", "SUI", "Sui", "coin", "platform", 0.46, 1.0e9, 1.4, 0.042, 0.4),
    AssetSpec("curve-dao-token", "CRV", "Curve", "token", "dex", 0.49, 890e6, 1.3, 0.036, 0.15),
    AssetSpec("lido-dao", "LDO", "Lido", "token", "defi", 1.9, 889e6, 1.4, 0.036, 0.01),
    AssetSpec(
        "the-sandbox", "SAND", "The Sandbox", "token", "gaming", 0.34, 2.1e9, 1.35, 0.032, 0.1
    ),
    AssetSpec(
        "decentraland", "MANA", "Decentraland", "token", "gaming", 0.35, 1.9e9, 1.3, 0.032, 0.01
    ),
    AssetSpec(
        "tezos", "XTZ", "Tezos", "coin", "platform", 0.72, 950e6, 1.15, 0.025, 0.05, "xtz", "pos"
    ),
    AssetSpec(
        "ethereum-classic",
        "ETC",
        "Ethereum Classic",
        "coin",
        "payment",
        17.2,
        143e6,
        1.25,
        0.03,
        0.04,
        "etc",
        "pow",
    ),
    AssetSpec("bittensor", "TAO", "Bittensor", "coin", "ai", 92, 5.9e6, 1.45, 0.044, 0.15),
    AssetSpec("worldcoin-wld", "WLD", "Worldcoin", "token", "ai", 1.75, 120e6, 1.5, 0.045, 0.6),
    AssetSpec("celestia", "TIA", "Celestia", "coin", "data", 2.4, 141e6, 1.45, 0.044, 0.3),
    AssetSpec("ondo-finance", "ONDO", "Ondo", "token", "rwa", 0.21, 1.4e9, 1.3, 0.042, 0.2),
    AssetSpec(
        "virtual-protocol", "VIRTUAL", "Virtuals", "token", "ai", 0.045, 1.0e9, 1.5, 0.055, 0.0
    ),
    AssetSpec("joe", "JOE", "Trader Joe", "token", "dex", 0.28, 340e6, 1.35, 0.04, 0.02),
    AssetSpec(
        "wrapped-bitcoin",
        "WBTC",
        "Wrapped Bitcoin",
        "wrapped",
        "store",
        34_480,
        163e3,
        1.0,
        0.004,
        -0.05,
    ),
    AssetSpec(
        "axie-infinity", "AXS", "Axie Infinity", "token", "gaming", 5.3, 130e6, 1.35, 0.034, 0.06
    ),
    AssetSpec("theta-token", "THETA", "Theta", "coin", "data", 0.67, 1.0e9, 1.3, 0.031, 0.0),
)
# tickers that the field writes about; their paths are drawn apart, so that they move no other price
_FIELD = (
    AssetSpec("okb", "OKB", "OKB", "token", "exchange", 58, 60e6, 0.9, 0.018, 0.0),
    AssetSpec("mantle", "MNT", "Mantle", "token", "layer2", 0.38, 3.1e9, 1.2, 0.028, 0.03),
    AssetSpec(
        "crypto-com-chain", "CRO", "Cronos", "coin", "exchange", 0.062, 26.5e9, 1.1, 0.026, 0.01
    ),
    AssetSpec("maker", "MKR", "Maker", "token", "defi", 1_380, 920e3, 1.2, 0.03, -0.02),
    AssetSpec("render-token", "RENDER", "Render", "token", "depin", 2.3, 375e6, 1.4, 0.04, 0.04),
    AssetSpec(
        "hyperliquid", "HYPE", "Hyperliquid", "coin", "platform", 6.5, 334e6, 1.4, 0.045, 0.02,
        listed_back_d=700,
    ),
    AssetSpec(
        "sky", "SKY", "Sky", "token", "defi", 0.058, 21e9, 1.2, 0.03, 0.01, listed_back_d=770
    ),
    AssetSpec(
        "morpho", "MORPHO", "Morpho", "token", "defi", 1.6, 230e6, 1.4, 0.045, 0.3,
        listed_back_d=700,
    ),
    AssetSpec(
        "spark-2", "SPK", "Spark", "token", "defi", 0.04, 1.7e9, 1.4, 0.045, 0.3, listed_back_d=480
    ),
    AssetSpec(
        "blackhole", "BLACK", "Blackhole", "token", "dex", 0.35, 80e6, 1.5, 0.055, 0.5,
        listed_back_d=300,
    ),
    AssetSpec(
        "zora", "ZORA", "Zora", "token", "social", 0.02, 3.2e9, 1.5, 0.055, 0.2, listed_back_d=550
    ),
    AssetSpec(
        "aixbt", "AIXBT", "aixbt", "token", "ai", 0.2, 900e6, 1.5, 0.055, 0.02, listed_back_d=690
    ),
    AssetSpec(
        "cookie", "COOKIE", "Cookie DAO", "token", "ai", 0.3, 450e6, 1.5, 0.055, 0.1,
        listed_back_d=690,
    ),
)  # fmt: skip
# gold has its own price and is not followed by DefiLlama's stablecoin list
GOLD = (
    AssetSpec(
        "pax-gold",
        "PAXG",
        "PAX Gold",
        "commodity_token",
        "gold",
        1_985,
        270e3,
        0.0,
        0.0001,
        0.1,
        "paxg",
    ),
    AssetSpec(
        "tether-gold",
        "XAUT",
        "Tether Gold",
        "commodity_token",
        "gold",
        1_984,
        246e3,
        0.0,
        0.0001,
        0.1,
        "xaut",
    ),
    # a gram of it
    AssetSpec(
        "vnx-gold", "VNXAU", "VNX Gold", "commodity_token", "gold", 63.82, 52e3, 0.0, 0.0001, 0.1
    ),
)

_CHAINS = {"Ethereum": 0.62, "Solana": 0.16, "Base": 0.12, "Arbitrum": 0.07, "Avalanche": 0.03}
_STABLES = (
    StableSpec("1", "tether", "USDT", "Tether", "fiat-backed", 84.5e9, 0.29,
               {"Ethereum": 0.43, "Tron": 0.5, "BSC": 0.04, "Solana": 0.015, "Arbitrum": 0.015},
               ("BSC", "Arbitrum"), "USD", "usdt", 2.0),
    StableSpec("2", DIPPING, "USDC", "USD Coin", "fiat-backed", 24.6e9, 0.33, _CHAINS, (), "USD",
               "usdc", 1.5),
    StableSpec("5", SPIKED, "DAI", "Dai", "crypto-backed", 5.3e9, 0.02,
               {"Ethereum": 0.88, "Polygon": 0.05, "Arbitrum": 0.04, "BSC": 0.03},
               ("Polygon", "Arbitrum", "BSC"), "USD", "dai", 4.0),
    StableSpec("9001", SPIRAL, "SBXUSD", "Nova USD", "algorithmic", 4.1e9, 0.9,
               {"Nova": 0.78, "Ethereum": 0.22}, ("Ethereum",), noise_bps=8.0),
    StableSpec("7", SLOW_DEPEG, "TUSD", "TrueUSD", "fiat-backed", 2.9e9, -0.6,
               {"Ethereum": 0.4, "Tron": 0.5, "BSC": 0.1}, ("BSC",), "USD", "tusd", 5.0),
    StableSpec("3", LEFTOVER, "USTC", "TerraClassicUSD", "algorithmic", 409e6, 0.0,
               {"Terra Classic": 0.97, "Ethereum": 0.03}, ("Ethereum",), noise_bps=5.0),
    StableSpec("10", MISSPELLED, "MIM", "Magic Internet Money", "crypto-backed", 105e6, -0.2,
               {"Ethereum": 0.7, "Arbitrum": 0.3}, ("Arbitrum",), noise_bps=9.0),
    StableSpec("146", WICKED_STABLE, "USDE", "Ethena USDe", "crypto-backed", 0.3e9, 1.2,
               {"Ethereum": 0.96, "Solana": 0.04}, noise_bps=5.0),
    StableSpec("120", "paypal-usd", "PYUSD", "PayPal USD", "fiat-backed", 158e6, 0.7,
               {"Ethereum": 0.65, "Solana": 0.35}, noise_bps=4.0),
    StableSpec("6", "frax", "FRAX", "Frax", "algorithmic", 670e6, -0.15,
               {"Ethereum": 0.8, "Arbitrum": 0.1, "BSC": 0.1}, ("Arbitrum", "BSC"),
               noise_bps=6.0),
    StableSpec("50", "euro-coin", "EURC", "EURC", "fiat-backed", 48e6, 0.6,
               {"Ethereum": 0.6, "Base": 0.25, "Solana": 0.15}, (), "EUR", None, 6.0),
    StableSpec("22", "nusd", "SUSD", "sUSD", "crypto-backed", 48e6, -0.1,
               {"Ethereum": 0.3, "OP Mainnet": 0.7}, (), noise_bps=14.0),
)  # fmt: skip


@dataclass(frozen=True)
class Cast:
    """The assets and stablecoins of one market, in the order of their size."""

    assets: tuple[AssetSpec, ...]
    stables: tuple[StableSpec, ...]
    gold: tuple[AssetSpec, ...] = GOLD
    delistings: Mapping[str, int] = field(default_factory=dict)
    """Numbered assets that are delisted, and the number of their last day."""

    def stable(self, asset_id: str) -> StableSpec:
        """Return a stablecoin by its canonical id."""
        return next(spec for spec in self.stables if spec.asset_id == asset_id)


def cast_for(settings: GeneratorSettings) -> Cast:
    """Return the cast of the settings' sizes: the parts first, then known names, then numbered."""
    known = (*_MAJORS, *_PARTS, *_OTHERS, *_FIELD)
    numbered = tuple(
        AssetSpec(
            asset_id=f"sandbox-asset-{number:03d}",
            code=f"SBX{number:03d}",
            name=f"Sandbox {number}",
            asset_class="token" if number % 3 else "coin",
            sector=("defi", "ai", "gaming", "platform", "layer2", "data")[number % 6],
            price=round(0.05 * 1.37 ** (number % 17), 4),
            supply=1e8 * (1 + number % 7),
            beta=0.9 + 0.1 * (number % 7),
            sigma=0.025 + 0.003 * (number % 8),
        )
        for number in range(len(known) + 1, settings.assets + 1)
    )
    stables = _STABLES + tuple(
        StableSpec(
            stablecoin_id=str(9000 + number),
            asset_id=f"sandbox-stable-{number:03d}",
            code=f"SBS{number:03d}",
            name=f"Sandbox Dollar {number}",
            mechanism=("fiat-backed", "crypto-backed")[number % 2],
            supply=2e7 * (1 + number % 9),
            growth=0.1 * (number % 5) - 0.1,
            chains={"Ethereum": 0.6, "Base": 0.4},
        )
        for number in range(len(_STABLES) + 1, settings.stablecoins + 1)
    )
    # the wildest go first; none of them so early that it was hardly there
    leaving = sorted(numbered, key=lambda spec: -spec.sigma)[: settings.effects.delistings]
    share = settings.day_count / (len(leaving) + 1)
    return Cast(
        (*known, *numbered)[: settings.assets],
        stables[: settings.stablecoins],
        delistings={
            spec.asset_id: int(share * place) for place, spec in enumerate(leaving, start=1)
        },
    )
