"""What the National Bank of Poland's web API declares.

Chosen because it is an official, documented, keyless API whose data may be reused with the source
named. The London benchmark itself (prices.lbma.org.uk) is open to browsers only, at times refuses
programs (403), and its use for valuation needs a licence of its administrator; FRED, the Bundesbank
and the World Gold Council no longer have daily London prices.

The bank prints the price of a gram of pure gold in zloty and does not say how it computes it. Two
days of January 2013 fit "the London afternoon price of the working day before, at the bank's dollar
rate of that earlier day" to a hundredth of a zloty, from figures that were not checked again: so a
gold peg must not be judged more finely than a day's move until somebody has compared a month of
both. Both series are landed; under that rule the dollar price of an ounce on the working day before
D is price(D) * 31.1034768 / rate(that working day).
"""

from pipelines.http import Budget

BASE_URL = "https://api.nbp.pl/api"
# no number is published
BUDGET = Budget(requests_per_second=2.0)
# prices come on Polish working days; the longest holidays have four days
LOOK_BACK_D = 7
LICENCE = "National Bank of Poland: free reuse with the source named"

CURRENCY = "USD"
# a longer range than 93 days is refused (400); for gold both 93 and 367 are named as the limit
MAX_RANGE_D = 90
MAX_GAP_D = 6
