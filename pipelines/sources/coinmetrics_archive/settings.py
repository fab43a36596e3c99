"""What Coin Metrics' CSV archive declares."""

from datetime import date

from pipelines.http import Budget

BASE_URL = "https://raw.githubusercontent.com/coinmetrics/data/master/csv"
BUDGET = Budget(requests_per_second=2.0, burst=2)
LOOK_BACK_D = 0
LICENCE = "CC BY-NC 4.0: non-commercial use, with attribution"

# two users report that the files end here, without an official notice: what is younger is asked
# from the API alone, so that daily runs do not fetch files of megabytes for nothing
FROZEN_FROM = date(2026, 5, 24)
