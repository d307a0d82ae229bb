from __future__ import annotations

import pytest
from textual.color import Color

from billdesk.screens.themes import DEFAULT_THEME, PALETTES, THEME_NAMES, Palette, wants_no_color

TEXT_COLOURS = ["foreground", "muted", "primary", "accent", "success", "warning", "error"]
BACKGROUNDS = ["background", "surface", "panel", "cursor"]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (part / 255 for part in Color.parse(colour).rgb)
    ]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_measured_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("palette", PALETTES, ids=THEME_NAMES)
@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("colour", TEXT_COLOURS)
def test_every_text_is_readable_on_every_background(
    palette: Palette, colour: str, background: str
) -> None:
    least = 7.0 if palette.name.startswith("high-contrast") else 4.5
    assert contrast(getattr(palette, colour), getattr(palette, background)) >= least


@pytest.mark.parametrize("palette", PALETTES, ids=THEME_NAMES)
def test_the_text_of_a_coloured_button_is_readable(palette: Palette) -> None:
    least = 7.0 if palette.name.startswith("high-contrast") else 4.5
    for colour in ("primary", "success", "warning", "error"):
        assert contrast(palette.background, getattr(palette, colour)) >= least


@pytest.mark.parametrize("palette", PALETTES, ids=THEME_NAMES)
def test_the_palette_is_what_the_screen_gets(palette: Palette) -> None:
    theme = palette.theme()
    # As App.get_css_variables puts them together.
    colours = {**theme.to_color_system().generate(), **theme.variables}
    for name in (*TEXT_COLOURS, *BACKGROUNDS):
        got, wanted = Color.parse(colours[name]), Color.parse(getattr(palette, name))
        # Textual mixes shades in another colour space and back: a channel may be off by one.
        assert all(abs(a - b) <= 1 for a, b in zip(got.rgb, wanted.rgb, strict=True)), name


def test_without_red_and_green_well_and_bad_differ_in_blue() -> None:
    for palette in PALETTES:
        if palette.name.startswith("deuteranopia"):
            well, bad = Color.parse(palette.success), Color.parse(palette.error)
            assert well.b - well.r > 90
            assert bad.r - bad.b > 90


def test_the_default_theme_is_one_of_them() -> None:
    assert DEFAULT_THEME in THEME_NAMES


@pytest.mark.parametrize(
    ("environment", "without"),
    [({}, False), ({"NO_COLOR": ""}, False), ({"NO_COLOR": "1"}, True), ({"NO_COLOR": "0"}, True)],
)
def test_no_color_counts_only_when_it_says_something(
    environment: dict[str, str],
    without: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert wants_no_color(environment) is without
