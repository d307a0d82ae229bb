"""Figures that say how much the desk costs beside doing the bare thing by hand: `make bench`."""
