"""What a step would do that cannot be taken back, found by reading it: nothing is executed."""

import re
from collections.abc import Iterator

_TEXT = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_TRIGGER = re.compile(r"\s*CREATE\s+(?:TEMP\s+|TEMPORARY\s+)?TRIGGER\b.*?\bEND\s*(?:;|$)", re.IGNORECASE | re.DOTALL)
_DESTRUCTIVE = re.compile(
    r"""\s*(?:
        DROP\s+(?:TABLE|VIEW|TRIGGER)\b
      | ALTER\s+TABLE\s+\S+\s+DROP\b
      | (?:WITH\b.*)?\b(?:DELETE\s+FROM|UPDATE|REPLACE\s+INTO|INSERT\s+OR\s+REPLACE)\b
      | INSERT\b.*\bON\s+CONFLICT\b.*\bDO\s+UPDATE\b
      | PRAGMA\s+writable_schema\b
    )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_TRANSACTION = re.compile(r"(?:BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|VACUUM|ATTACH|DETACH)\b", re.IGNORECASE)
_LONGEST = 100


def destructive(sql: str) -> tuple[str, ...]:
    """Return the statements in `sql` that take away or overwrite what is there, each on one line and not too long."""
    return tuple(_line(statement) for statement in _statements(sql) if _DESTRUCTIVE.match(statement))


def ends_transaction(sql: str) -> str:
    """Return the first statement in `sql` that would end, or cannot be in, the step's own transaction; "" for none."""
    return next((_line(it) for it in _statements(sql) if _TRANSACTION.match(it)), "")


def _statements(sql: str) -> Iterator[str]:
    bare = _TEXT.sub(lambda found: "''" if found[0].startswith("'") else " ", sql)
    while bare:
        trigger = _TRIGGER.match(bare)
        end = trigger.end() if trigger else bare.find(";") + 1 or len(bare)
        yield bare[:end].strip("; \n\t")
        bare = bare[end:]


def _line(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
