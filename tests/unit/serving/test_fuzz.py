"""Requests that nobody would think of, made from the service's own OpenAPI document."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from pipelines.core.settings import Serving, Settings
from pipelines.core.windows import SystemClock
from pipelines.serving.app import make_app
from pipelines.serving.problems import MEDIA_TYPE
from tests.unit.serving.conftest import running

FEW, MANY = 60, 10_000
# streams have no end
ENDLESS = "/stream"


def fuzz(url: str, count: int) -> Counter[int]:
    """Send so many requests and return how often each status was answered."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [
        found.ok() for found in schema.get_all_operations() if not found.ok().path.endswith(ENDLESS)
    ]
    assert len(operations) > 10, "the document lists too little to fuzz"
    statuses: Counter[int] = Counter()
    cases = st.one_of(
        *(
            operation.as_strategy(generation_mode=mode)
            for operation in operations
            for mode in GenerationMode
        )
    )

    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def send(case: schemathesis.Case) -> None:
        if case.query and "wait_s" in case.query:
            case.query["wait_s"] = 0
        answer = case.call()
        statuses[answer.status_code] += 1
        said = answer.content[:300]
        assert answer.status_code < 500, (case.as_curl_command(), said)
        assert b"Traceback" not in answer.content, (case.as_curl_command(), said)
        if answer.status_code >= 400 and case.method != "HEAD":
            kind = answer.headers["content-type"][0]
            assert kind == MEDIA_TYPE, (case.as_curl_command(), kind, said)

    send()
    return statuses


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_every_request_has_an_answer_or_a_problem_and_none_is_a_failure(
    publish: Callable[..., Any], settings: Settings, count: int
) -> None:
    publish()
    serving = Serving(
        sql=True, requests_per_minute=10**9, max_concurrent_requests=10**6, sql_seconds=1
    )
    app = make_app(settings.model_copy(update={"serving": serving}), SystemClock())
    with running(app) as url:
        statuses = fuzz(url, count)
        print(dict(sorted(statuses.items())))
        assert statuses.total() >= count * 0.9
        assert httpx.get(f"{url}/v1/prices/BTC").status_code == 200, "the service goes on"
