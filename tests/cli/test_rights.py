"""`mads role`, `grant`, `revoke`, `policy` and `audit`: who may call what, from the keyboard.

Covers the verbs and their exit codes. Does not cover what is refused: tests/host/test_rights.py does.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mads.cli.policy import cases
from mads.wire.errors import UsageError
from mads.wire.status import Case
from tests.cli.shell import PROJECT, Mads, up

COVERS = ("R-044", "R-047")

CASES = """
[[case]]
principal = "ana"
tool = "parrot.nap"
arguments = { text = "hello" }
expect = "allow"

[[case]]
principal = "bo"
tool = "parrot.nap"
expect = "allow"
"""


@pytest.mark.slow
def test_rights_are_given_shown_explained_tested_and_taken_back(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "cases.toml").write_text(CASES, encoding="utf-8")
    mads = Mads(tmp_path)
    with up(tmp_path):
        made = mads("role", "new", "talker", "--allow", "mads.parrot.*", "--when", "tenant == 'default'")
        assert made.stdout == "role talker; the rights are revision 1 now\n"
        assert mads("grant", "ana", "talker").stdout == "ana holds talker; the rights are revision 2 now\n"
        assert "role:talker" in mads("role", "show", "talker").stdout
        assert {"role": "talker", "rules": 1, "principals": ["ana"]} in json.loads(
            mads("role", "list", "--json").stdout
        )
        assert json.loads(mads("policy", "show", "--json").stdout)["revision"] == 2
        tested = mads("policy", "test", "cases.toml")
        assert tested.returncode == 1
        assert "bo of default denied parrot.nap, expected allow: nothing allows it" in tested.stdout
        assert tested.stdout.endswith("2 cases, 1 failed\n")
        wrong = mads("grant", "ana", "mads.parrot.*", "--when", "tenant = 1", "--json")
        assert wrong.returncode == 2
        request = json.loads(wrong.stdout)["error"]["request"]
        explained = json.loads(mads("policy", "explain", request, "--json").stdout)
        assert [(row["subject"], row["allowed"]) for row in explained] == [("mads.steward.grant", True)]
        assert mads("revoke", "ana", "talker").returncode == 0
        assert mads("role", "drop", "talker").returncode == 0
        kinds = [row["kind"] for row in json.loads(mads("audit", "list", "--json").stdout)]
        assert kinds.count("policy") == 4
        verified = mads("audit", "verify", "--json")
        assert (verified.returncode, json.loads(verified.stdout)["wrong"]) == (0, [])


def test_cases_are_read_from_toml_and_csv_alike(tmp_path: Path) -> None:
    toml, table = tmp_path / "cases.toml", tmp_path / "cases.csv"
    toml.write_text(CASES, encoding="utf-8")
    table.write_text(
        "principal,tool,arguments,expect,roles\n"
        'ana,parrot.nap,"{""text"": ""hello""}",allow,\n'
        "bo,parrot.nap,,allow,reader writer\n",
        encoding="utf-8",
    )
    first = Case(principal="ana", tool="parrot.nap", arguments={"text": "hello"}, expect="allow")
    assert cases(toml) == [first, Case(principal="bo", tool="parrot.nap", expect="allow")]
    assert cases(table)[0] == first
    assert cases(table)[1].roles == ("reader", "writer")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", ""),
        ("a.toml", "[[case]]\nprincipal = 1"),
        ("a.toml", "[[case]]\nprincipal = 'a'\ntool = 't'\nexpect = 'perhaps'"),
        ("a.toml", "[["),
        ("a.toml", "case = 3"),
        ("a.csv", "principal,tool,expect\n"),
        ("a.csv", "principal,tool,expect,arguments\na,t,allow,{"),
        ("a.csv", "principal,tool,expect\na,t,allow,more"),
        ("a.csv", "nobody\na\n"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"case|JSON"):
        cases(tmp_path / name)
