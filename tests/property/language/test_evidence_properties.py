import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.language.evidence import Evidence, restricted

CANDIDATES = ["en", "ko", "de"]
observations = st.dictionaries(st.sampled_from([*CANDIDATES, "th", "ja"]), st.floats(0, 1), max_size=5)


@given(observations)
def test_restricted_probabilities_sum_to_one_over_the_candidates(observed: dict[str, float]) -> None:
    kept = restricted(observed, CANDIDATES)
    assert list(kept) == CANDIDATES
    assert sum(kept.values()) == pytest.approx(1.0)


@given(st.lists(observations, min_size=1, max_size=6), st.randoms())
def test_the_order_of_the_evidence_does_not_matter(observed: list[dict[str, float]], random: object) -> None:
    shuffled = list(observed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = Evidence(CANDIDATES), Evidence(CANDIDATES)
    for first, second in zip(observed, shuffled, strict=True):
        one.add(first)
        other.add(second)
    assert one.best().confidence == pytest.approx(other.best().confidence)


@given(st.lists(observations, min_size=1, max_size=6))
def test_the_best_guess_is_a_candidate_and_at_least_as_probable_as_chance(observed: list[dict[str, float]]) -> None:
    evidence = Evidence(CANDIDATES)
    for probabilities in observed:
        evidence.add(probabilities)
    assert evidence.best().language in CANDIDATES
    assert 1 / 3 - 1e-9 <= evidence.best().confidence <= 1
