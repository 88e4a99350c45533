from dataclasses import replace

from support.events import a_flag

from loadtest.faults.facts import EarlyFlags, flag_fact, standing
from moderation.events import Severity

FINAL = a_flag(flag_id="f", revision=9001)
EARLY = replace(FINAL, revision=3000, provisional=True)
LATER = replace(FINAL, revision=4600, provisional=True)
WITHDRAWN = replace(FINAL, flag_id="g", severity=Severity.NONE)


def test_only_final_flags_that_were_not_withdrawn_are_compared() -> None:
    assert standing([EARLY, FINAL, WITHDRAWN]) == [FINAL]


def test_the_final_revision_is_part_of_what_must_be_the_same() -> None:
    assert flag_fact(FINAL).fact_id != flag_fact(replace(FINAL, revision=9002)).fact_id


def test_a_provisional_flag_is_settled_by_a_final_or_a_withdrawal_above_it_in_any_order() -> None:
    told = replace(WITHDRAWN, provisional=True, severity=Severity.LOW, revision=3000)
    for flags in ([EARLY, LATER, FINAL, told, WITHDRAWN], [WITHDRAWN, told, FINAL, LATER, EARLY, EARLY]):
        assert EarlyFlags.of(flags) == EarlyFlags(told=2, withdrawn=1, unsettled=0)


def test_a_provisional_flag_without_a_final_revision_above_it_is_unsettled() -> None:
    assert EarlyFlags.of([EARLY]).unsettled == 1
    assert EarlyFlags.of([EARLY, replace(FINAL, revision=3000)]).unsettled == 1
