"""A report as one HTML file: it loads nothing, runs no script, and follows the reader's light or dark colors."""

from __future__ import annotations

from collections.abc import Sequence

from victor.observability.report.document import Report
from victor.observability.report.markdown import (
    ERROR_HEADER,
    GROUP_HEADER,
    RUN_HEADER,
    error_rows,
    figures,
    group_names,
    outcome,
    overview,
    period,
    reason,
    run_rows,
)
from victor.observability.report.plots import bars, escape, lines
from victor.observability.shown import amount, cost, seconds
from victor.observability.timeline import render

__all__ = ["as_html"]

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8883}
td.n,th.n{text-align:right}
pre{overflow-x:auto;background:#8881;padding:.8rem;border-radius:6px;font-size:12.5px;line-height:1.35}
svg{max-width:100%;height:auto}.f{color:#c0485f;font-weight:600}.p{color:#3a9d6e;font-weight:600}
.small{opacity:.7;font-size:.9rem}
"""


def as_html(report: Report) -> str:
    """Write a report."""
    body = [f"<h1>{escape(report.title)}</h1>", f'<p class="small">{escape(period(report))} {escape(report.place)}</p>']
    for condition, verdict in report.verdicts:
        kind = "p" if verdict.holds is False else "f"
        body.append(f'<p><span class="{kind}">{outcome(verdict)}</span> <code>{escape(condition.text)}</code></p>')
        rows = [(one.comparison.text, reason(one)) for one in verdict.comparisons]
        body.append(_table(("comparison", "measured"), rows))
    body.append(_table((), overview(report), numbers_from=1))
    if report.run is not None:
        if report.spans:
            body += ["<h2>Timeline</h2>", f"<pre>{escape_lines(render(report.spans, width=140, bar=40))}</pre>"]
        return _page(report.title, body)
    body += _over_time(report)
    for heading, groups in report.sections:
        names = group_names(heading)
        table = [(*group.by, *figures(group.totals)) for group in groups]
        longest = [(" ".join(group.by), group.totals.duration_s, seconds(group.totals.duration_s)) for group in groups]
        body += [
            f"<h2>{heading}</h2>",
            bars(f"{heading}: time in all", longest),
            _table((*names, *GROUP_HEADER), table, numbers_from=len(names)),
        ]
    if report.errors:
        body += ["<h2>Errors</h2>", _table(ERROR_HEADER, error_rows(report, 300))]
    if report.runs:
        body += ["<h2>Latest runs</h2>", _table(RUN_HEADER, run_rows(report), numbers_from=4)]
    return _page(report.title, body)


def escape_lines(text: str) -> str:
    """Several lines for HTML."""
    return "\n".join(escape(line) for line in text.split("\n"))


def _over_time(report: Report) -> list[str]:
    step = report.step_s
    counts = {point.time_s: point.totals for point in report.activity}
    spent = {point.time_s: point.totals for point in report.spending}
    moments = [*counts, *spent]
    if not moments:
        return []
    # Steps in which nothing happened are not in a series: they are zeros of a count, and gaps of a time.
    times = list(range(min(moments), max(moments) + 1, step))
    every = seconds(step)
    runs = [float(counts[time].count) if time in counts else 0.0 for time in times]
    failed = [float(counts[time].errors) if time in counts else 0.0 for time in times]
    p95 = [spent[time].p95_s if time in spent else None for time in times]
    dollars = [spent[time].cost_usd if time in spent else 0.0 for time in times]
    pictures = [
        (f"Runs per {every}", lines(f"Runs per {every}", times, [("runs", runs), ("failed", failed)], amount)),
        ("p95 of model requests", lines("p95 of model requests", times, [("p95", p95)], seconds)),
    ]
    if any(dollars):
        pictures.append((f"Cost per {every}", lines(f"Cost per {every}", times, [("US dollars", dollars)], cost)))
    return [piece for heading, picture in pictures if picture for piece in (f"<h2>{heading}</h2>", picture)]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int = 99) -> str:
    def cell(tag: str, place: int, text: str) -> str:
        return f"<{tag}{' class=n' if place >= numbers_from else ''}>{escape(text)}</{tag}>"

    head = "".join(cell("th", place, text) for place, text in enumerate(header))
    lines = ["".join(cell("td", place, text) for place, text in enumerate(row)) for row in rows]
    return "<table>" + (f"<tr>{head}</tr>" if head else "") + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _page(title: str, body: Sequence[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        # Whatever a text may hold, nothing of it is run or loaded.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n" + "\n".join(body) + "\n</html>\n"
    )
