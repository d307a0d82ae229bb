"""Money, ids, time and errors: what every other room speaks in.

Nothing here imports more than the standard library, and nothing here decides a rule.
"""
