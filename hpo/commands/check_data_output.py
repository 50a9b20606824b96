"""What a person sees of data checks: a table of them, the gates, the worst findings, what to type next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from hpo.checks.values import Check, DataReport, Finding, cut
from hpo.records.wording import clean, plural, shown

if TYPE_CHECKING:
    from rich.console import Console

SIGNS = {"ok": ("ok", "green"), "look": ("look", "yellow"), "failed": ("FAILED", "red"), "not run": ("not run", "dim")}
SHOWN = 1  # findings of a check
TEXT = 160  # characters of a text


@contextmanager
def progress_line(stream: TextIO) -> Iterator[Callable[[str], None]]:
    """Tell what is being done: on one line that changes in a terminal, nowhere else."""
    if not stream.isatty():
        yield lambda message: None
        return
    from rich.console import Console

    console = Console(file=stream)
    with console.status("reading") as status:
        yield lambda message: status.update(clean(message))


def print_report(report: DataReport, written: Sequence[tuple[str, str]], stream: TextIO) -> None:
    """Print a report.

    Args:
        report: what was found.
        written: what was written besides: what it is, and where.
        stream: where to.
    """
    from rich.text import Text

    from hpo.commands.closing import wide_console

    console = wide_console(stream)
    against = (
        f", against {plural(report.against_rows or 0, 'row')} of {clean(report.against)}" if report.against else ""
    )
    heading = f"{clean(report.file)}: {plural(report.rows, 'row')}, {report.format}{against}"
    console.print(Text(heading), soft_wrap=True)
    console.print(_checks(report))
    for finding in worst(report):
        _print_finding(console, finding)
    for line in (*_gates(report), *_deep(report), *(f"{what}: {where}" for what, where in written)):
        console.print(Text(shown(line)), soft_wrap=True)
    if report.next:
        console.print(Text("next:"))
        for command in report.next:
            console.print(Text(f"  {shown(command)}"), soft_wrap=True)


def worst(report: DataReport) -> list[Finding]:
    """The first findings of each check, of failed ones first."""
    rank = {check.name: (check.verdict != "failed", place) for place, check in enumerate(report.checks)}
    counts: dict[str, int] = {}
    chosen = []
    for finding in sorted(report.findings, key=lambda each: rank[each.check]):
        counts[finding.check] = counts.get(finding.check, 0) + 1
        if counts[finding.check] <= SHOWN:
            chosen.append(finding)
    return chosen


def value_words(check: Check) -> str:
    """A check's value for people: a share in percent, with its interval where it is an estimate."""
    if check.value != check.value:
        return ""
    if check.name in ("class_balance", "length", "vocabulary"):
        return f"{check.value:.3g}"
    interval = f" ({check.low:.1%} to {check.high:.1%})" if check.low == check.low else ""  # NaN: a census
    return f"{check.value:.2%}{interval}"


def _checks(report: DataReport) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("check", "value", "rows", ""):
        table.add_column(name, justify="right" if name in ("value", "rows") else "left", no_wrap=True)
    table.add_column("what")
    for check in report.checks:
        word, style = SIGNS[check.verdict]
        rows = "" if check.verdict == "not run" else f"{check.flagged:,}"
        name = check.name.replace("_", " ")
        table.add_row(Text(name), value_words(check), rows, Text(word, style=style), Text(check.what, style="dim"))
    return table


def _print_finding(console: Console, finding: Finding) -> None:
    from rich.text import Text

    evidence = {name: value for name, value in finding.evidence.items() if name not in ("fixed", "pieces", "cluster")}
    said = ", ".join(clean(_said(name, value), 90) for name, value in evidence.items())
    label = f" [{clean(finding.label)}]" if finding.label is not None else ""
    console.print(Text(f"{finding.check.replace('_', ' ')}: {said}", style="bold"), soft_wrap=True)
    console.print(Text(f"  row {clean(finding.id)}{label}: {clean(cut(finding.text, TEXT), TEXT)}"), soft_wrap=True)
    if finding.partner is not None:
        label = f" [{clean(finding.partner_label)}]" if finding.partner_label is not None else ""
        where = f" of {clean(finding.partner_file)}" if finding.partner_file else ""
        text = clean(cut(finding.partner_text or "", TEXT), TEXT)
        console.print(Text(f"  row {clean(finding.partner)}{where}{label}: {text}"), soft_wrap=True)


def _said(name: str, value: object) -> str:
    if name == "kind":
        return str(value).replace("_", " ")
    if isinstance(value, list | tuple):
        return f"{name} {', '.join(map(str, value))}"
    return f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"


def _gates(report: DataReport) -> Iterator[str]:
    from hpo.records.data_checks import gate_words

    for gate in report.gates:
        yield f"gate {'kept' if gate.passed else 'FAILED'}: {gate_words(gate.as_dict())}: {gate.what}"


def _deep(report: DataReport) -> Iterator[str]:
    found = report.as_dict(per_check=0)
    if found["label_noise"]:
        noise = found["label_noise"]
        estimate, low, high = (_share(noise[name]) for name in ("estimate", "ci_low", "ci_high"))
        agrees = f"a model that has not seen them agrees with {noise['agreement']:.0%} of the labels"
        yield f"label noise: about {estimate} ({low} to {high}); {agrees}"
        for row in noise["ranked"][:5]:
            text = clean(cut(row["text"], TEXT), TEXT)
            yield f"  row {row['id']} is labelled {row['label']}, a model says {row['suggested']}: {text}"
    if found["preprocessing"]:
        tried = found["preprocessing"]
        yield f"preprocessing: {tried['metric']} {tried['original']['value']:.3f} with the original text"
        for each in tried["strategies"]:
            yield f"  {each['name']}: {each['verdict']}{_difference(each)}"
    for point in found["learning_curve"] or []:
        yield f"trained on {point['rows']:,} rows: {point['value']:.3f}"
    if found["drift"]:
        yield f"drift: {found['drift']['sentence']}"
    if found["fixed"]:
        fixed = found["fixed"]
        counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in fixed["changes"].items())
        yield f"fixed: {fixed['rows_after']:,} of {fixed['rows_before']:,} rows are left; {counts or 'no change'}"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"


def _difference(each: dict[str, Any]) -> str:
    if each["difference"] is None:
        return f" ({each['reason']})"
    ends = f"[{each['difference_low']:+.3f}, {each['difference_high']:+.3f}]"
    p = "" if each["p_adjusted"] is None else f", p = {each['p_adjusted']:.2g}"
    return f" ({each['difference']:+.3f} {ends}{p})"
