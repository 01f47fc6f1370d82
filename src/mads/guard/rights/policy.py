"""One function decides who may call what: the gateway asks it for its lists, the layer `access` for each call.

A call is allowed where the credential is for it, where some rule of its principal allows it and none denies it, and
where the MAD that makes it may: it names the callee in a field, or says so in `mads.toml`, or some rule allows it. What
any MAD on the way is denied by a rule is denied. The operator may all, and so may the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mads.author.declaration import CHAT
from mads.author.signals import OWNER
from mads.guard.principals import HOST, OPERATOR
from mads.guard.rights.rule import BUILT_IN, EVERY, ROLE, Rule, Target, target_of
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

Known = dict[Identity, Decision]
"""What was decided about one target, by caller; emptied whenever that no longer counts."""


class Policy:
    """The rules that count now, as the revision of that number; `declare` says what each MAD may call by itself."""

    def __init__(self) -> None:
        self.revision = 0
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

    def decides(self, identity: Identity, target: Target) -> Decision:
        """Return the decision on a call of `target` by `identity`."""
        known = self.known(target)
        decision = known.get(identity)
        if decision is None:
            if len(known) >= REMEMBERED:
                known.clear()
            decision = known[identity] = self._decided(identity, target)
        return decision

    def shows(self, identity: Identity, tool: ToolInfo) -> bool:
        """Return whether `tool` is listed for `identity`."""
        return self.decides(identity, target_of(tool)).allowed

    def roles(self, identity: Identity) -> tuple[str, ...]:
        """Return every role that `identity` holds: by its credential, and by what was given to its principal."""
        theirs, of_all = ((tenant, identity.principal) for tenant in (identity.tenant, EVERY))
        return tuple(dict.fromkeys((*identity.roles, *self._roles.get(theirs, ()), *self._roles.get(of_all, ()))))

    def _forget(self) -> None:
        for known in self._known.values():
            known.clear()

    def _decided(self, identity: Identity, target: Target) -> Decision:
        if identity.scopes is not None and not permits(identity.scopes, target.name, read_only=target.read_only):
            return self._decision(SCOPES, allowed=False)
        theirs = self._theirs(identity, target)
        on_the_way = [rule for mad in identity.chain for rule in self._fitting(f"mad:{mad}", identity.tenant, target)]
        if denies := [rule for rule in (*theirs, *on_the_way) if not rule.allow]:
            return self._decision(str(denies[0]), allowed=False)
        links = self._link(identity, target) if identity.chain else []
        if identity.chain and not links:
            return self._decision(UNDECLARED, allowed=False)
        if identity.principal.startswith("mad:"):
            theirs = links
        return self._decision(str(theirs[0]), allowed=True) if theirs else self._decision(NOTHING, allowed=False)

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
            Rule(f"mad:{mad}", pattern)
            for pattern in patterns
            if permits((pattern,), target.name, read_only=target.read_only)
        ]
        return declared or [rule for rule in self._fitting(f"mad:{mad}", identity.tenant, target) if rule.allow]

    def _fitting(self, holder: str, tenant: str, target: Target) -> list[Rule]:
        rules = self._rules.get(holder, ())
        return [rule for rule in rules if rule.tenant in (EVERY, tenant) and rule.fits(target)]

    def _decision(self, rule: str, *, allowed: bool) -> Decision:
        return Decision(LAYER, allowed, rule, self.revision)
