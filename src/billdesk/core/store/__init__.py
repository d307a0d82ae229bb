"""All SQL: connections, tables, migrations, and what is read from and written to them.

Nothing here decides a rule, and no row leaves: questions answer with frozen sheets.
"""
