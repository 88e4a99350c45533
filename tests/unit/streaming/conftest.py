from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.streaming import Bench, make_bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    # An interim decode has a thread of its own.
    with ThreadPoolExecutor(2) as pool:
        yield make_bench(pool)
