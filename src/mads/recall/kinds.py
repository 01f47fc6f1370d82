"""What kind of source a file is: by its path alone, so that it is known before anybody reads it."""

import re
from typing import Literal, get_args

Kind = Literal["code", "test", "document", "decision", "requirement", "metric", "log"]
"""What a source is: of what holds (code), proves it (test), tells of it, asks for it, or was seen of it."""

KINDS: tuple[Kind, ...] = get_args(Kind)

WEIGHTS: dict[Kind, float] = {
    "code": 1.0,
    "document": 0.7,
    "decision": 0.7,
    "requirement": 0.7,
    "metric": 0.5,
    "test": 0.4,
    "log": 0.3,
}
"""What a match counts: what does it comes before what tells of it, and that before what proves it or was seen of it."""

_OF: tuple[tuple[Kind, str], ...] = (
    ("decision", r"(.*/)?(adrs?|decisions?)/[^/]*\.(md|markdown|rst)"),
    ("requirement", r"(.*/)?requirements\.toml"),
    ("metric", r".*\.(prom|metrics)|(.*/)?metrics[^/]*\.(txt|json|jsonl|csv)"),
    ("log", r".*\.(log|jsonl)(\.\d+)?"),
    ("test", r"(.*/)?((tests?|testing|benchmarks?)/.*|test_[^/]*|[^/]*_test\.\w+|conftest\.py)"),
    ("document", r"(.*/)?docs?/.*|.*\.(md|markdown|rst|txt|lock|json|toml|ya?ml|cfg|ini)"),
)
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE | re.DOTALL)) for kind, pattern in _OF
)


def kind_of(path: str) -> Kind:
    """Return the kind of the file at `path`."""
    for kind, pattern in _PATTERNS:
        if pattern.fullmatch(path):
            return kind
    return "code"
