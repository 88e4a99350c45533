from loadtest.faults.fleet import Kill
from loadtest.faults.takeover import Output, summarise_takeovers, takeovers


def kill(at: float, *partitions: int) -> Kill:
    return Kill(worker="worker-01", at=at, partitions=frozenset(partitions))


def outputs(*pairs: tuple[int, float]) -> list[Output]:
    return [Output(partition=partition, at=at) for partition, at in pairs]


def test_a_takeover_ends_with_the_first_output_about_a_partition_of_the_killed_worker() -> None:
    found = takeovers([kill(100, 1, 2)], outputs((3, 101), (1, 99), (2, 112), (1, 130), (1, 140)))
    assert (found[0].first_s, found[0].last_s) == (12.0, 30.0)


def test_what_the_killed_worker_sent_before_does_not_count() -> None:
    assert takeovers([kill(100, 1)], outputs((1, 100.0)))[0].first_s is None


def test_kills_that_show_nothing_are_counted_apart() -> None:
    kills = [kill(100, 1), kill(200), kill(300, 5), kill(400, 1)]
    found = takeovers(kills, outputs((1, 110), (1, 440)))
    summary = summarise_takeovers(kills, found)
    assert (summary.measured, summary.owned_nothing, summary.nothing_followed) == (2, 1, 1)
    assert (summary.first_s_p50, summary.first_s_max) == (40.0, 40.0)


def test_no_kills_have_no_takeover_time() -> None:
    assert summarise_takeovers([], []).first_s_p50 is None
