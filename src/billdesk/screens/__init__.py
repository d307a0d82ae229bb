"""What the terminal door shows: one file per screen, each with one question and some acts.

Nothing here computes or waits; nothing here knows the app above it or the rooms under the desk.
"""
