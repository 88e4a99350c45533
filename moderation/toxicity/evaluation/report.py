"""The measurements as text."""

from collections.abc import Iterator, Mapping
from typing import Any


def table(result: Mapping[str, Any]) -> str:
    """The measurements for people."""
    return "\n".join(_lines(result))


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"model {result['model']}   latency {result['latency_ms']}   ECE of toxicity {result['ece_of_toxicity']}"
    yield ""
    yield from _sets(result["sets"])
    yield ""
    limits = ", ".join(f"{label} {limit}" for label, limit in result["thresholds"].items())
    yield f"judged by the thresholds {limits}"
    yield from _kinds(result["kinds"])
    yield ""
    yield from _groups(result["groups"])
    yield from _identity_templates(result["identity_templates"])
    yield ""
    yield from (f"benign: {name:24}{values}" for name, values in result["false_alarms"].items())
    yield "recommended thresholds by the rate of false alarms on benign talk"
    yield from (f"  {label:18}{by_rate}" for label, by_rate in result["recommended_thresholds"].items())


def _sets(sets: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    yield f"{'set':24}{'task':18}{'rows':>6}{'pos':>6}{'AUC':>8}{'AP':>8}{'R@1%':>8}{'R@5%':>8}{'ECE':>8}"
    for name, tasks in sets.items():
        for task, v in tasks.items():
            numbers = (v["auc"], v["average_precision"], v["recall_at_1_percent"], v["recall_at_5_percent"], v["ece"])
            figures = "".join(f"{number:8.3f}" for number in numbers)
            yield f"{name:24}{task:18}{v['rows']:6}{v['positives']:6}{figures}"


def _kinds(kinds: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield f"{'kind':28}{'texts':>7}{'wanted':>8}{'flagged':>9}{'accuracy':>10}"
    for kind, v in kinds.items():
        accuracy = "" if v["accuracy"] is None else f"{v['accuracy']:.1%}"
        yield f"{kind:28}{v['texts']:7}{v['to_be_flagged']:8}{v['flagged']:9.1%}{accuracy:>10}"


def _groups(groups: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield f"{'group':28}{'harmless flagged':>18}{'attacks missed':>16}"
    for group, v in sorted(groups.items(), key=lambda item: -item[1]["harmless_flagged"]):
        yield f"{group:28}{v['harmless_flagged']:18.1%}{v['attacks_missed']:16.1%}"


def _identity_templates(identities: Mapping[str, Any]) -> Iterator[str]:
    yield f"identity templates: AUC {identities['auc']}, false alarms {identities['false_alarms_mean']:.1%}"
    worst = sorted(identities["false_alarms"].items(), key=lambda item: -item[1])[:10]
    yield "  worst: " + ", ".join(f"{term} {share:.1%}" for term, share in worst)
