"""The schema's version and its SQL, which new files run at once and Alembic's revision runs too."""

from __future__ import annotations

from pathlib import Path

SCHEMA_VERSION = "0001"


def schema_statements(kind: str) -> list[str]:
    """The statements of the first schema, which Alembic's first revision runs too."""
    sql = (Path(__file__).parent / "migrations" / f"0001_{kind}.sql").read_text()
    return split_statements(sql)


def split_statements(sql: str) -> list[str]:
    """SQL text cut into statements at semicolons, bodies of triggers and functions kept whole."""
    statements: list[str] = []
    lines: list[str] = []
    body = False
    for line in sql.splitlines():
        if not lines and (not line.strip() or line.startswith("--")):
            continue
        lines.append(line)
        if line.count("$$") % 2:
            body = not body
        begun = line.startswith("BEGIN ")
        if (
            line.rstrip().endswith(";")
            and not body
            and (not begun or line.rstrip().endswith("END;"))
        ):
            statements.append("\n".join(lines).rstrip().removesuffix(";"))
            lines = []
    return statements
