"""What the European Central Bank's data portal declares."""

from pipelines.http.client import Budget

BASE_URL = "https://data-api.ecb.europa.eu/service"
# one request a run; no number is published
BUDGET = Budget(requests_per_second=1.0)
# rates come on working days, about 16:00 Frankfurt time; the longest holidays have four days
LOOK_BACK_D = 7
LICENCE = "ECB: free reuse, also commercial, with the source named; for information only"

# daily reference rates (EXR), units of the currency for one euro, at about 14:15 Frankfurt time
FLOW = "EXR"
SERIES = "D.{currencies}.EUR.SP00.A"
# every currency of a known peg that has a reference rate, and the zloty for the price of gold
CURRENCIES = (
    "AUD",
    "BRL",
    "CAD",
    "CHF",
    "CNY",
    "GBP",
    "HKD",
    "IDR",
    "INR",
    "JPY",
    "KRW",
    "MXN",
    "MYR",
    "NZD",
    "PHP",
    "PLN",
    "SGD",
    "THB",
    "TRY",
    "USD",
    "ZAR",
)
# the newest rate is at most this old when nothing is missing
MAX_GAP_D = 5
