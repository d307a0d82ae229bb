"""Pure decisions: no I/O, no clock, no chance. Each function can be tested with a table.

Nothing here knows SQL, HTTP or a screen.
"""
