"""One function decides who may call what: the gateway asks it for its lists, the layer `access` for each call.

A call is allowed where the credential is for it, where some rule of its principal allows it and none denies it, and
where the MAD that makes it may: it names the callee in a field, or says so in `mads.toml`, or some rule allows it. What
any MAD on the way is denied by a rule is denied. The operator may all, and so may the host. What destroys is refused to
a call that carries what is untrusted, whoever began it, unless the tool accepts that, or a rule that asks of `labels`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from mads.author.declaration import CHAT
from mads.author.signals import OWNER
from mads.guard.labels import Labels, untrusted
from mads.guard.principals import HOST, OPERATOR
from mads.guard.rights.condition import holds
from mads.guard.rights.rule import BUILT_IN, EVERY, MAD, ROLE, Rule, Target, target_of
from mads.guard.scopes import permits
from mads.wire.call import Identity
from mads.wire.record import Decision
from mads.wire.tools import ToolInfo

LAYER = "access"

REMEMBERED = 4096
"""How many callers of one tool are remembered."""

SCOPES = "outside the scopes of the caller's credential"
NOTHING = "nothing allows it"
UNDECLARED = "its caller does not declare it"
TAINTED = "it carries what is untrusted, and nothing accepts that"

_ABOUT = re.compile(r"\blabels\b")
"""What a rule asks of that is about labels."""

Facts = Mapping[str, Any]
"""What conditions may ask of, by name: see `mads.guard.rights.condition`."""


class Conditional(Struct, frozen=True):
    """What depends on the facts of each call: it is allowed where none of `denies` holds and one of each of `groups`.

    A rule that has no condition holds; so does a denial whose condition has no value.
    """

    denies: tuple[Rule, ...]
    groups: tuple[tuple[Rule, ...], ...]
    revision: int

    def decided(self, facts: Facts) -> Decision:
        """Return the decision on a call of which these are the facts."""
        for rule in self.denies:
            so, why = holds(rule.when, facts)
            if so or why:
                return Decision(LAYER, allowed=False, rule=_because(rule, why), revision=self.revision)
        grounds = [self._ground(group, facts) for group in self.groups]
        failed = next((told for so, told in grounds if not so), None)
        return Decision(LAYER, failed is None, grounds[0][1] if failed is None else failed, self.revision)

    def _ground(self, group: tuple[Rule, ...], facts: Facts) -> tuple[bool, str]:
        """Return whether one of `group` holds, and that one, or else why the first does not."""
        reasons: list[str] = []
        for rule in group:
            so, why = (True, "") if not rule.when else holds(rule.when, facts)
            if so:
                return True, str(rule)
            reasons.append(_because(rule, why or "it does not hold"))
        return False, reasons[0]


Verdict = Decision | Conditional
Known = dict[Identity, Verdict]
"""What is known about one target, by caller; emptied whenever that no longer counts."""


class Policy:
    """The rules that count now, as the revision of that number; `declare` says what each MAD may call by itself.

    `labels` knows which tools accept what is untrusted.
    """

    def __init__(self, labels: Labels | None = None) -> None:
        self.revision, self._labels = 0, labels or Labels()
        self._calls: Mapping[str, Sequence[str]] = {}
        self._known: dict[Target, Known] = {}
        self.put((), {}, 0)

    def put(self, rules: Iterable[Rule], roles: Mapping[tuple[str, str], Sequence[str]], revision: int) -> None:
        """Go by these from now on: `rules`, and the `roles` that were given, by tenant and principal."""
        self.revision, self._roles = revision, roles
        self._rules: dict[str, list[Rule]] = {}
        for rule in (*BUILT_IN, *rules):
            self._rules.setdefault(rule.whom, []).append(rule)
        self._forget()

    def declare(self, calls: Mapping[str, Sequence[str]]) -> None:
        """Say from now on what each MAD may call, as patterns."""
        self._calls = calls
        self._forget()

    def known(self, target: Target) -> Known:
        """Return what has been decided about `target` so far."""
        return self._known.setdefault(target, {})

    def verdict(self, identity: Identity, target: Target) -> Verdict:
        """Return all that can be said of calls of `target` by `identity` before there is one."""
        known = self.known(target)
        verdict = known.get(identity)
        if verdict is None:
            if len(known) >= REMEMBERED:
                known.clear()
            verdict = known[identity] = self._verdict(identity, target)
        return verdict

    def decides(self, identity: Identity, target: Target, facts: Callable[[], Facts]) -> Decision:
        """Return the decision on one call of `target` by `identity`, of which `facts` are asked where they matter."""
        verdict = self.verdict(identity, target)
        return verdict if isinstance(verdict, Decision) else verdict.decided(facts())

    def shows(self, identity: Identity, tool: ToolInfo) -> bool:
        """Return whether `tool` is listed for `identity`: what may be allowed on a condition is."""
        verdict = self.verdict(identity, target_of(tool))
        return not isinstance(verdict, Decision) or verdict.allowed

    def facts(self, identity: Identity, target: Target) -> dict[str, Any]:
        """Return the facts that are the same for all calls of `target` by `identity`."""
        return {
            "principal": identity.principal,
            "tenant": identity.tenant,
            "roles": list(self.roles(identity)),
            "tool": target.name,
            "chain": list(identity.chain),
        }

    def roles(self, identity: Identity) -> tuple[str, ...]:
        """Return every role that `identity` holds: by its credential, and by what was given to its principal."""
        theirs, of_all = ((tenant, identity.principal) for tenant in (identity.tenant, EVERY))
        return tuple(dict.fromkeys((*identity.roles, *self._roles.get(theirs, ()), *self._roles.get(of_all, ()))))

    def _forget(self) -> None:
        for known in self._known.values():
            known.clear()

    def _verdict(self, identity: Identity, target: Target) -> Verdict:
        if identity.scopes is not None and not permits(identity.scopes, target.name, read_only=target.read_only):
            return self._decision(SCOPES, allowed=False)
        theirs, tenant = self._theirs(identity, target), identity.tenant
        on_the_way = [
            rule for mad in dict.fromkeys(identity.chain) for rule in self._fitting(MAD + mad, tenant, target)
        ]
        denies = tuple(dict.fromkeys(rule for rule in (*theirs, *on_the_way) if not rule.allow))
        if final := next((rule for rule in denies if not rule.when), None):
            return self._decision(str(final), allowed=False)
        links = [self._link(identity, target)] if identity.chain else []
        if links == [[]]:
            return self._decision(UNDECLARED, allowed=False)
        own = identity.principal.startswith(MAD) and links
        granted = [] if own else [[rule for rule in theirs if rule.allow]]
        groups = [
            tuple(sorted(group, key=lambda rule: rule.when)) for group in (*granted, *links)
        ]  # the free ones first
        if target.destructive and untrusted(identity.labels) and not self._labels.accepted(target.name):
            about = [rule for rule in (*theirs, *on_the_way) if rule.allow and _ABOUT.search(rule.when)]
            if not about:
                return self._decision(TAINTED, allowed=False)
            groups.append(tuple(about))
        return self._from(denies, groups)

    def _from(self, denies: tuple[Rule, ...], groups: Sequence[tuple[Rule, ...]]) -> Verdict:
        if not all(groups):
            return self._decision(NOTHING, allowed=False)
        if denies or any(group[0].when for group in groups):
            return Conditional(denies, tuple(groups), self.revision)
        return self._decision(str(groups[0][0]), allowed=True)

    def _theirs(self, identity: Identity, target: Target) -> list[Rule]:
        """Return the rules for the principal of `identity` that are about `target`."""
        if identity.principal in (OPERATOR, HOST):
            return [Rule(identity.principal, "mads.>")]
        holders = [identity.principal, *(ROLE + role for role in self.roles(identity))]
        return [rule for holder in holders for rule in self._fitting(holder, identity.tenant, target)]

    def _link(self, identity: Identity, target: Target) -> list[Rule]:
        """Return what allows the last MAD of the chain to call `target`."""
        mad = identity.chain[-1]
        patterns = [f"mads.{mad}.*", *self._calls.get(mad, ())]
        if OWNER in identity.chain:  # whoever is asked in a conversation mentions others there
            patterns.append(f"mads.*.{CHAT}")
        declared = [
            Rule(MAD + mad, pattern)
            for pattern in patterns
            if permits((pattern,), target.name, read_only=target.read_only)
        ]
        return declared or [rule for rule in self._fitting(MAD + mad, identity.tenant, target) if rule.allow]

    def _fitting(self, holder: str, tenant: str, target: Target) -> list[Rule]:
        rules = self._rules.get(holder, ())
        return [rule for rule in rules if rule.tenant in (EVERY, tenant) and rule.fits(target)]

    def _decision(self, rule: str, *, allowed: bool) -> Decision:
        return Decision(LAYER, allowed, rule, self.revision)


def _because(rule: Rule, why: str) -> str:
    return f"{rule}{why and f' ({why})'}"
