"""A job tells how fast it goes once that is known."""

from billdesk.core.values.pace import pace


def test_the_rest_takes_as_long_as_the_rate_says() -> None:
    assert pace(500, 2.0, 20_000) == "250/s, 1:20 left"
    assert pace(1_000_000, 1.0, 0) == "1,000,000/s, 0:00 left"


def test_nothing_is_told_before_a_rate_is_known() -> None:
    assert pace(0, 2.0, 20_000) == ""
    assert pace(5, 0.0, 20_000) == ""
