"""The schema's version and its SQL, which new files run at once and Alembic's revision runs too."""

from __future__ import annotations

from pathlib import Path

REVISIONS = ("0001", "0002", "0003", "0004")
SCHEMA_VERSION = REVISIONS[-1]


def schema_statements(kind: str) -> list[str]:
    """The statements that make the newest schema: those of every revision, one after the other."""
    return [statement for each in REVISIONS for statement in revision_statements(kind, each)]


def revision_statements(kind: str, revision: str) -> list[str]:
    """The statements of one revision for "sqlite" or "postgres", which Alembic runs too."""
    sql = (Path(__file__).parent / "migrations" / f"{revision}_{kind}.sql").read_text()
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
