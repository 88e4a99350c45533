from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.streaming import Bench, make_bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    with ThreadPoolExecutor(1) as pool:
        yield make_bench(pool)
