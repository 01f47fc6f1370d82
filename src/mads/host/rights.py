"""Roles and grants, for the operator: changed in the store, and what the policy goes by from then on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Self

import structlog
from msgspec.structs import asdict

from mads.guard import credential
from mads.guard.labels import named, union
from mads.guard.principals import ADMIN, ANONYMOUS, DEVELOPER, only_operator, theirs
from mads.guard.rights.condition import part
from mads.guard.rights.policy import Policy
from mads.guard.rights.rule import BUILT_IN, EVERY, MAD, ROLE, Rule, Target, check_pattern, target_of
from mads.host.audit import Trail
from mads.host.commands.envelope import now_ms
from mads.store.rights.port import Change, Grant, Kept, Rights, Terms
from mads.wire.call import Identity
from mads.wire.errors import InvalidMessage, UsageError
from mads.wire.status import Case, CaseResult, GrantInfo
from mads.wire.status import Rights as Told
from mads.wire.tools import ToolInfo

Tools = Callable[[], Sequence[ToolInfo]]

_ROLE = re.compile(r"[A-Za-z0-9_][\w.@/-]{0,99}")


class RightsDesk:
    """The rights in `store`, and in `policy`; `open` makes one. `changed` hears of changes.

    `tools` are what they can be about.
    """

    def __init__(self, store: Rights, policy: Policy, audit: Trail, tools: Tools, changed: Callable[[], None]) -> None:
        self._store, self._policy, self._audit = store, policy, audit
        self._tools, self._changed = tools, changed
        self._kept = Kept(0, (), ())

    @classmethod
    async def open(
        cls, store: Rights, policy: Policy, audit: Trail, tools: Tools, *, changed: Callable[[], None]
    ) -> Self:
        """Return a desk that goes by what is in `store`."""
        desk = cls(store, policy, audit, tools, changed)
        desk._know(await store.kept())
        return desk

    def all(self) -> Told:
        """Return every role, and every grant that the caller may see."""
        built_in = [Grant(0, Terms(rule.whom, EVERY, rule.pattern)) for rule in BUILT_IN]
        whose = theirs()
        grants = tuple(
            _told(grant)
            for grant in (*built_in, *self._kept.grants)
            if whose is None or grant.terms.tenant in (EVERY, whose)
        )
        return Told(revision=self._kept.revision, roles=(ADMIN, DEVELOPER, *self._kept.roles), grants=grants)

    async def new_role(
        self, role: str, *, tenant: str, allow: Sequence[str], deny: Sequence[str], when: str, replaces: bool
    ) -> Told:
        """Make a role that may call what fits `allow`, where `when` holds, and nothing that fits `deny`."""
        only_operator("change rights")
        if not _ROLE.fullmatch(role) or _is_pattern(role):
            raise InvalidMessage(
                f"{role!r:.120} is no name for a role; write letters and digits, and _ . @ / - between"
            )
        self._known(role, role)
        if role in self._kept.roles and not replaces:
            raise InvalidMessage(f"there is a role {role} already; to give it other rules write --replace")
        terms = [Terms(ROLE + role, tenant, pattern, when=when) for pattern in allow]
        terms += [Terms(ROLE + role, tenant, pattern, allow=False) for pattern in deny]
        for each in terms:
            self._check(each, role)
        if when and not allow:
            raise InvalidMessage("a condition without anything that it allows says nothing; write --allow PATTERN")
        dropped = (role,) if role in self._kept.roles else ()
        rules = ", ".join(map(_said, terms)) or "without a rule"
        return await self._change(
            Change(what=f"role {role}: {rules}", dropped=dropped, made=(role,), granted=tuple(terms))
        )

    async def drop_role(self, role: str) -> Told:
        """Forget a role: nobody holds it any more, whatever their keys and tokens say."""
        only_operator("change rights")
        self._known(role)
        return await self._change(Change(what=f"role {role} dropped", dropped=(role,)))

    async def grant(self, whom: str, what: str, *, tenant: str, allow: bool, when: str) -> Told:
        """Give `what`, a role or a pattern of tools, to `whom`, or deny it."""
        only_operator("change rights")
        terms = Terms(whom, tenant, what, allow, when)
        self._check(terms)
        return await self._change(Change(what=f"granted: {_said(terms)}", granted=(terms,)))

    async def revoke(self, whom: str, what: str, *, tenant: str) -> Told:
        """Take back what was granted, or denied, to `whom` there; whatever its condition."""
        only_operator("change rights")
        found = [grant for grant in self._kept.grants if (grant.terms.whom, grant.terms.what) == (whom, what)]
        fit = [grant for grant in found if grant.terms.tenant == tenant]
        if not fit:
            elsewhere = " or ".join(sorted({f"--tenant '{grant.terms.tenant}'" for grant in found}))
            why = f"; there is one with {elsewhere}" if found else "; mads policy show lists what is"
            raise InvalidMessage(f"{whom} of tenant {tenant} was not granted {what}{why}")
        what = f"revoked: {', '.join(_said(grant.terms) for grant in fit)}"
        return await self._change(Change(what=what, revoked=tuple(grant.id for grant in fit)))

    def tested(self, cases: Sequence[Case]) -> Sequence[CaseResult]:
        """Return what would be decided in each of `cases`."""
        return [self._tested(case) for case in cases]

    def _tested(self, case: Case) -> CaseResult:
        name = case.tool if case.tool.startswith("mads.") else f"mads.{case.tool}"
        offered = {tool.name: tool for tool in self._tools()}
        if name not in offered and any(name.split(".")[1] == tool.mad for tool in offered.values()):
            return CaseResult(case=case, allowed=False, rule=_absent(name, offered), passed=False)
        target = target_of(offered[name]) if name in offered else Target(name)  # of a server that is not asked now
        roles = case.roles or ((DEVELOPER,) if case.principal == ANONYMOUS else ())
        identity = Identity(case.principal, case.tenant, case.chain, roles, labels=union(case.labels))
        decision = self._policy.decides(
            identity,
            target,
            lambda: {
                **self._policy.facts(identity, target),
                "arguments": case.arguments,
                "conversation": case.conversation,
                "labels": named(case.labels),
            },
        )
        passed = decision.allowed == (case.expect == "allow")
        return CaseResult(case=case, allowed=decision.allowed, rule=decision.rule, passed=passed)

    async def _change(self, change: Change) -> Told:
        kept = await self._store.change(change, now=now_ms())
        self._know(kept)
        structlog.get_logger().info("rights changed", what=change.what, revision=kept.revision)
        await self._audit.changed("policy", "policy", change.what, kept.revision)
        self._changed()
        return self.all()

    def _know(self, kept: Kept) -> None:
        if kept.revision < self._kept.revision:
            return  # another change overtook this one
        self._kept = kept
        roles: dict[tuple[str, str], list[str]] = {}
        rules: list[Rule] = []
        for grant in kept.grants:
            terms = grant.terms
            if _is_pattern(terms.what):
                rules.append(Rule(terms.whom, terms.what, terms.tenant, terms.allow, terms.when))
            else:
                roles.setdefault((terms.tenant, terms.whom), []).append(terms.what)
        self._policy.put(rules, roles, kept.revision)

    def _check(self, terms: Terms, *new: str) -> None:
        """Raise `InvalidMessage` where nobody can hold this; `new` are roles that are about to be."""
        kind, name = terms.whom.partition(":")[::2] if terms.whom.startswith((ROLE, MAD)) else ("", terms.whom)
        try:
            if kind:
                credential.check_name(f"the {kind}", name)
            elif name != ANONYMOUS:
                credential.check_principal(name)
            if terms.tenant != EVERY:
                credential.check_name("the tenant", terms.tenant)
            if _is_pattern(terms.what):
                check_pattern(terms.what)
            if terms.when:
                part(terms.when)
        except UsageError as error:
            raise InvalidMessage(str(error)) from None
        if kind == "role":
            self._known(name, *new)
        self._check_what(terms)

    def _check_what(self, terms: Terms) -> None:
        if _is_pattern(terms.what):
            self._fits(terms.what)
        elif terms.whom.startswith((ROLE, MAD)):
            raise InvalidMessage(
                f"{terms.whom} holds patterns of tools, not the role {terms.what!r}; write mads.NAME.*"
            )
        elif not terms.allow or terms.when:
            raise InvalidMessage("a role is given as it is: a condition, or a denial, stands at a pattern of tools")
        else:
            self._there(terms.what)

    def _there(self, role: str) -> None:
        """Raise `InvalidMessage` where there is no role of that name."""
        roles = (ADMIN, DEVELOPER, *self._kept.roles)
        if role not in roles:
            raise InvalidMessage(f"there is no role {role!r:.120}; there is {', '.join(roles)}: mads role new --help")

    def _known(self, role: str, *new: str) -> None:
        """Raise `InvalidMessage` where there is no role of that name that can be changed."""
        if role in (ADMIN, DEVELOPER):
            raise InvalidMessage(f"the role {role} is built in and stays as it is; make another: mads role new NAME")
        if role not in new:
            self._there(role)

    def _fits(self, pattern: str) -> None:
        """Raise `InvalidMessage` where nothing here fits `pattern`, which then is mistyped."""
        rule = Rule("", pattern, allow=False)
        if not any(rule.fits(target_of(tool)) for tool in self._tools()):
            raise InvalidMessage(f"no tool here fits {pattern!r}; mads show lists the MADs that there are")


def _is_pattern(what: str) -> bool:
    return what == "mads" or what.startswith("mads.")


def _said(terms: Terms) -> str:
    when = terms.when and f" when {terms.when}"
    return f"{terms.whom} of {terms.tenant}: {'' if terms.allow else 'deny '}{terms.what}{when}"


def _told(grant: Grant) -> GrantInfo:
    return GrantInfo(id=grant.id, **asdict(grant.terms))


def _absent(name: str, offered: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, offered, 1)
    return f"there is no tool {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
