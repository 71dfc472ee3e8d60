"""The language of ``--fail-if``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.observability.report.expression import FIGURES, SUBJECTS, ConditionError, Figure, Measured, Verdict, parse


def judge(text: str, **known: Measured | float) -> Verdict:
    def measure(figure: Figure) -> Measured:
        found = known.get(figure.name, Measured(None, why="not measured"))
        return found if isinstance(found, Measured) else Measured(found)

    return parse(text).judge(measure)


def test_a_figure_is_about_a_kind_and_perhaps_one_name() -> None:
    condition = parse(
        "p99.9(tool:sûche) > 1 or errors(negotiation.round) > 0 or max(node:'make \"it') > 2 or count > 3"
    )
    assert [(one.name, one.kind, one.of) for one in condition.figures] == [
        ("p99.9", "tool.call", "sûche"),
        ("errors", "negotiation.round", ""),
        ("max", "workflow.node", 'make "it'),
        ("count", "run", ""),
    ]
    assert condition.figures[0].quantile == pytest.approx(0.999)


def test_tokens_and_cost_alone_are_about_model_requests() -> None:
    assert parse("cost_usd > 1").figures[0].kind == "model.request"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("p95 > 5s", 5.0),
        ("p95 > 5", 5.0),
        ("p95 > 250ms", 0.25),
        ("p95 > 20us", 20e-6),
        ("p95 > 3 m", 180.0),
        ("p95 > 2h", 7200.0),
        ("error_rate > 5%", 0.05),
        ("error_rate > 0.05", 0.05),
        ("tokens > 20k", 20_000),
        ("tokens > 1.5M", 1_500_000),
        ("tokens > 1e3", 1000),
    ],
)
def test_numbers_have_the_units_of_their_figure(text: str, number: float) -> None:
    assert parse(text).comparisons[0].number == pytest.approx(number)


@pytest.mark.parametrize(
    ("text", "message", "caret"),
    [
        ("", "a figure such as p95(tool) or cost_usd was expected, not the end", 0),
        ("p95(tol) > 5s", "there is no subject 'tol'; did you mean 'tool'?", 4),
        ("p95(tool > 5s", "')' was expected, not '>'", 9),
        ("p95(tool:) > 5s", "a name was expected after ':', not ')'", 9),
        ("p95() > 5s", "a subject such as tool was expected, not ')'", 4),
        ("p950 > 5s", "there is no figure 'p950'", 0),
        ("cost > 1", "there is no figure 'cost'", 0),
        ("cost_usd 1", "a comparison was expected after cost_usd (> >= < <= == !=), not '1'", 9),
        ("cost_usd >", "a number was expected, not the end", 10),
        ("cost_usd > 5s", "cost_usd is compared with a plain number, not 5s", 11),
        ("p95 > 5%", "p95 is compared with a time such as 500ms or 5s, not 5%", 6),
        ("error_rate > 5s", "error_rate is compared with a part such as 5% or 0.05, not 5s", 13),
        ("p95 > 5parsecs", "there is no unit 'parsecs'", 6),
        ("p95 > 5s p50 > 1", "'and', 'or' or the end was expected, not 'p50'", 9),
        ("(p95 > 5s", "')' was expected, not the end", 9),
        ("p95 > 5s or", "a figure such as p95(tool) or cost_usd was expected, not the end", 11),
        ("p95 > 5s; import os", "';' is not understood here", 8),
        ("p95 > -5", "'-' is not understood here", 6),
        ("cost_usd > 1e999", "the number is too large", 11),
        ("p95\n>\nx", "a number was expected, not 'x'", 6),
        ("not " * 60 + "count > 1", "nested more than 50 deep", 204),
    ],
)
def test_what_cannot_be_read_is_pointed_at(text: str, message: str, caret: int) -> None:
    with pytest.raises(ConditionError) as raised:
        parse(text)
    said, line, below = str(raised.value).split("\n")
    assert said.startswith(message)
    assert line == "  " + text.replace("\n", " ")
    assert below == "  " + " " * caret + "^"


def test_a_million_parentheses_are_refused_and_not_followed() -> None:
    with pytest.raises(ConditionError, match="nested more than 50 deep"):
        parse("(" * 100_000)


def test_what_is_unknown_decides_nothing_unless_the_rest_decides() -> None:
    assert judge("p95(tool) > 5s").holds is None
    assert judge("count(tool) > 0 and p95(tool) > 5s", count=0).holds is False
    assert judge("count(tool) > 0 or p95(tool) > 5s", count=1).holds is True
    assert judge("not p95(tool) > 5s").holds is None


@pytest.mark.parametrize(
    ("sign", "number", "expected"),
    [
        (">", 1, True), (">", 2, None), (">", 3, None), (">=", 2, True), (">=", 3, None),
        ("<", 1, False), ("<", 2, False), ("<", 3, None), ("<=", 1, False), ("<=", 2, None), ("<=", 3, None),
        ("==", 1, None), ("==", 3, None), ("!=", 1, True), ("!=", 3, None),
    ],
)  # fmt: skip
def test_a_cost_with_unpriced_requests_is_known_from_below(sign: str, number: int, expected: bool | None) -> None:
    if (sign, number) == ("==", 1):
        expected = False
    assert judge(f"cost_usd {sign} {number}", cost_usd=Measured(2.0, at_least=True)).holds is expected


def test_each_comparison_is_told_with_its_value() -> None:
    verdict = judge("p95(tool) > 5s or cost_usd > 1", p95=7.5)
    assert [(one.comparison.text, one.measured.value, one.holds) for one in verdict.comparisons] == [
        ("p95(tool) > 5s", 7.5, True),
        ("cost_usd > 1", None, None),
    ]
    assert verdict.comparisons[1].measured.why == "not measured"


values = st.one_of(st.none(), st.booleans())
letters = ["count", "errors", "cancelled", "tokens"]


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> str:
    """Python's own words for a condition over ``letters``, as this language has them, too."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(letters)) + " == 1"
    if draw(st.integers(0, 3)) == 0:
        return f"not ({draw(conditions(depth - 1))})"
    word = draw(st.sampled_from(["and", "or"]))
    parts = draw(st.lists(conditions(depth - 1), min_size=2, max_size=4))
    return f" {word} ".join(part if draw(st.booleans()) and " " not in part else f"({part})" for part in parts)


@given(conditions(), st.fixed_dictionaries(dict.fromkeys(letters, values)))
def test_any_condition_says_what_python_says_for_every_way_the_unknown_could_be(
    text: str, known: dict[str, bool | None]
) -> None:
    unknown = [letter for letter in letters if known[letter] is None]
    answers = set()
    for bits in range(2 ** len(unknown)):
        filled = {**known, **{letter: bool(bits >> place & 1) for place, letter in enumerate(unknown)}}
        answers.add(bool(eval(text, {letter: int(bool(value)) for letter, value in filled.items()})))
    verdict = judge(
        text, **{letter: Measured(None if known[letter] is None else int(known[letter])) for letter in letters}
    )
    if verdict.holds is not None:
        assert answers == {verdict.holds}
    elif not unknown:
        raise AssertionError("all was known")


names = st.one_of(st.sampled_from([*FIGURES, "p50", "p95"]), st.text(max_size=8))
marks = st.sampled_from([*" ()<>=!:%", "or", "and", "not", "5s", "1", "'", '"', *SUBJECTS])


@given(st.lists(st.one_of(names, marks), max_size=12).map(" ".join))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse(text)
    except ConditionError as error:
        _, line, caret = str(error).rsplit("\n", 2)
        assert caret.strip() == "^"
        assert len(caret) <= len(line) + 1
