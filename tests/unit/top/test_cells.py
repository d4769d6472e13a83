"""Values in narrow columns."""

import pytest

from rmqctl.top import cells


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0"), (999_999, "999999"), (1_000_000, "1.00M"), (12_345_678, "12.3M"), (999_999_999, "1.00G")],
)
def test_counts_are_exact_up_to_a_million(value: int | None, text: str) -> None:
    assert cells.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0.0, "0"), (0.44, "0.4"), (12.4, "12"), (9999.0, "9999"), (12_345.0, "12.3k")]
)
def test_rates(value: float | None, text: str) -> None:
    assert cells.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (512, "512B"), (1536, "1.50K"), (1_572_864_000, "1.46G"), (1_048_575, "1.00M")]
)
def test_sizes(value: int | None, text: str) -> None:
    assert cells.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0.0, "0s"), (59.0, "59s"), (90.0, "2m"), (7200, "2h"), (200_000, "2d")]
)
def test_spans(value: float | None, text: str) -> None:
    assert cells.span(value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (None, ""),
        ((), ""),
        ((0, 0), "▁▁"),
        ((0, 5, 10), "▁▅█"),
        ((None, 3), " █"),
        ((None, None), "  "),
        ((7, 7), "██"),
    ],
)
def test_sparklines_begin_at_zero(values: tuple[int | None, ...] | None, text: str) -> None:
    assert cells.spark(values) == text


def test_text_is_safe_for_a_terminal_and_keeps_brackets() -> None:
    assert cells.text("[red]x\x1b[2J\n\u202e") == r"[red]x\x1b[2J\n\u202e"
    assert (cells.text(True), cells.text(False), cells.text(None), cells.text(3)) == ("yes", "no", "", "3")


def test_moments_of_older_and_newer_releases() -> None:
    assert cells.moment("2026-11-23T21:01:31.066+00:00") == cells.moment("2026-11-23 21:01:31") == "2026-11-23 21:01:31"
    assert cells.moment(None) == ""
