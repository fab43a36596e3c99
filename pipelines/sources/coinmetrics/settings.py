"""What the Coin Metrics community API declares."""

from pipelines.http import Budget

BASE_URL = "https://community-api.coinmetrics.io"
# 10 requests in a sliding window of 6 seconds: with a burst, the window would hold more
BUDGET = Budget(requests_per_second=1.5)
# reorganisations and relabelled flows restate the last days
LOOK_BACK_D = 7
LICENCE = "CC BY-NC 4.0: non-commercial use, with attribution"

FREQUENCY = "1d"
PAGE_ROWS = 10_000
# entries of a page of the catalogue are assets, of which there are some 4,000
MAX_CATALOG_PAGES = 2
# one request names this many assets; the URL may have 10,000 characters
BATCH_ASSETS = 50
METRICS = (
    "AdrActCnt",
    "BlkCnt",
    "CapMVRVCur",
    "CapMrktCurUSD",
    "CapMrktEstUSD",
    "FeeTotNtv",
    "HashRate",
    "IssTotNtv",
    "IssTotUSD",
    "PriceUSD",
    "ReferenceRateUSD",
    "SplyCur",
    "TxCnt",
    "TxTfrCnt",
)
