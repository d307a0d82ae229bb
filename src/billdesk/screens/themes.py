"""The desk's own colours: six themes whose contrast is tested, and what NO_COLOR means.

A colour is never the only sign of a state: the word stands beside it on every screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.theme import Theme

DEFAULT_THEME = "billdesk-dark"


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, each named for what it is used for.

    `cursor` is the background of the marked row; every text colour must be readable on it, too.
    """

    name: str
    dark: bool
    background: str
    surface: str
    panel: str
    cursor: str
    line: str
    foreground: str
    muted: str
    primary: str
    accent: str
    success: str
    warning: str
    error: str

    def theme(self) -> Theme:
        """This palette as Textual wants it."""
        return Theme(
            name=self.name,
            dark=self.dark,
            primary=self.primary,
            secondary=self.accent,
            accent=self.accent,
            success=self.success,
            warning=self.warning,
            error=self.error,
            foreground=self.foreground,
            background=self.background,
            surface=self.surface,
            panel=self.panel,
            text_alpha=1.0,
            variables=self._variables(),
        )

    def _variables(self) -> dict[str, str]:
        return {
            "muted": self.muted,
            "cursor": self.cursor,
            "line": self.line,
            "text": self.foreground,
            "text-muted": self.muted,
            "text-disabled": self.muted,
            "foreground-muted": self.muted,
            "foreground-disabled": self.muted,
            "border": self.primary,
            "border-blurred": self.line,
            "block-cursor-background": self.cursor,
            "block-cursor-foreground": self.foreground,
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": self.panel,
            "block-cursor-blurred-foreground": self.foreground,
            "block-hover-background": self.panel,
            "button-foreground": self.foreground,
            "button-color-foreground": self.background,
            "button-focus-text-style": "bold reverse",
            "input-cursor-background": self.foreground,
            "input-cursor-foreground": self.background,
            "input-selection-background": self.foreground,
            "input-selection-foreground": self.background,
            "scrollbar": self.line,
            "scrollbar-hover": self.muted,
            "scrollbar-active": self.primary,
            "scrollbar-background": self.background,
            "scrollbar-background-hover": self.background,
            "scrollbar-background-active": self.background,
            "scrollbar-corner-color": self.background,
            "screen-selection-background": self.cursor,
            "screen-selection-foreground": self.foreground,
        }


PALETTES = (
    Palette(
        name="billdesk-dark",
        dark=True,
        background="#10141a",
        surface="#161c24",
        panel="#1e2631",
        cursor="#24384f",
        line="#36424f",
        foreground="#d6dde6",
        muted="#95a3b3",
        primary="#79b8ff",
        accent="#8fd0d6",
        success="#7fd3a0",
        warning="#e8c06a",
        error="#ff9c92",
    ),
    Palette(
        name="billdesk-light",
        dark=False,
        background="#fcfbf8",
        surface="#f5f3ee",
        panel="#ebe8e1",
        cursor="#d3e3f5",
        line="#c4beb2",
        foreground="#1e2630",
        muted="#535d69",
        primary="#0a509b",
        accent="#0b5f68",
        success="#17612f",
        warning="#714600",
        error="#a81f17",
    ),
    Palette(
        name="high-contrast-dark",
        dark=True,
        background="#000000",
        surface="#000000",
        panel="#141414",
        cursor="#00305c",
        line="#b0b0b0",
        foreground="#ffffff",
        muted="#d8d8d8",
        primary="#9fd0ff",
        accent="#8ff0f0",
        success="#7dff9f",
        warning="#ffe066",
        error="#ffc0ba",
    ),
    Palette(
        name="high-contrast-light",
        dark=False,
        background="#ffffff",
        surface="#ffffff",
        panel="#f2f2f2",
        cursor="#dbe9ff",
        line="#404040",
        foreground="#000000",
        muted="#303030",
        primary="#003a80",
        accent="#00404a",
        success="#00441b",
        warning="#4d2f00",
        error="#7d0010",
    ),
    # Nothing here is told apart by red and green: blue is well, yellow is a warning, orange is bad.
    Palette(
        name="deuteranopia-dark",
        dark=True,
        background="#10141a",
        surface="#161c24",
        panel="#1e2631",
        cursor="#2b3550",
        line="#3b4656",
        foreground="#d9dee6",
        muted="#9aa6b5",
        primary="#a8c7ff",
        accent="#c9d4e8",
        success="#74b9ff",
        warning="#f2e08a",
        error="#ffab5e",
    ),
    Palette(
        name="deuteranopia-light",
        dark=False,
        background="#fcfbf8",
        surface="#f5f3ee",
        panel="#ebe8e1",
        cursor="#d9e2f4",
        line="#c4beb2",
        foreground="#1e2630",
        muted="#535d69",
        primary="#23458f",
        accent="#3d4a63",
        success="#0a4fa3",
        warning="#5f5000",
        error="#974000",
    ),
)

THEME_NAMES = tuple(palette.name for palette in PALETTES)

VARIABLE_DEFAULTS = {"muted": "#95a3b3", "cursor": "#24384f", "line": "#36424f"}
"""What our own colour names mean under a theme that does not know them."""


def wants_no_color(environment: Mapping[str, str]) -> bool:
    """Whether colour was asked to be left out: NO_COLOR set to anything but nothing.

    Source: https://no-color.org
    """
    return environment.get("NO_COLOR", "") != ""
