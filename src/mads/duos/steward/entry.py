"""What the steward knows of who may come in and do what, and of what was decided."""

from __future__ import annotations

from mads import tool
from mads.author.entry import NewKey
from mads.author.system import System
from mads.wire.status import AuditQuery, AuditRow, Case, CaseResult, KeyInfo, Rights, Verified

ANY = AuditQuery()


class Entry:
    """API keys, roles, grants and the audit."""

    system: System

    @tool(read_only=True)
    async def key_list(self) -> list[KeyInfo]:
        """Return every API key, and whether it is good."""
        return list(self.system.keys.all())

    @tool(destructive=True)
    async def key_new(
        self,
        name: str,
        scopes: list[str],
        tenant: str = "default",
        roles: list[str] | None = None,
        lasts: float | None = None,
    ) -> NewKey:
        """Make an API key for `name`, good for `lasts` seconds or for ever; this is the only time it is shown."""
        return await self.system.keys.new(name, tenant, roles or [], scopes, lasts)

    @tool(destructive=True)
    async def key_rotate(self, key: int, grace: float) -> NewKey:
        """Make an API key like another, which is good for `grace` seconds more; this is the only time it is shown."""
        return await self.system.keys.rotate(key, grace)

    @tool(destructive=True)
    async def key_revoke(self, key: int) -> KeyInfo:
        """Make an API key worth nothing, at once."""
        return await self.system.keys.revoke(key)

    @tool(read_only=True)
    async def policy_show(self) -> Rights:
        """Return every role, every grant, and the revision that they are."""
        return self.system.rights.all()

    @tool(destructive=True)
    async def role_new(
        self,
        role: str,
        tenant: str = "*",
        allow: list[str] | None = None,
        deny: list[str] | None = None,
        when: str = "",
        *,
        replaces: bool = False,
    ) -> Rights:
        """Make a role that may call what fits `allow`, where the condition `when` holds, and nothing in `deny`."""
        rights = self.system.rights
        return await rights.new_role(
            role, tenant=tenant, allow=allow or [], deny=deny or [], when=when, replaces=replaces
        )

    @tool(destructive=True)
    async def role_drop(self, role: str) -> Rights:
        """Forget a role: nobody holds it any more, whatever their keys and tokens say."""
        return await self.system.rights.drop_role(role)

    @tool(destructive=True)
    async def grant(
        self, whom: str, what: str, tenant: str = "default", *, allow: bool = True, when: str = ""
    ) -> Rights:
        """Give a role, or a pattern of tools, to a principal, or deny it; a pattern also to role:NAME and mad:NAME."""
        return await self.system.rights.grant(whom, what, tenant=tenant, allow=allow, when=when)

    @tool(destructive=True)
    async def revoke(self, whom: str, what: str, tenant: str = "default") -> Rights:
        """Take back what was given to somebody, or denied."""
        return await self.system.rights.revoke(whom, what, tenant=tenant)

    @tool(read_only=True)
    async def policy_test(self, cases: list[Case]) -> list[CaseResult]:
        """Return what would be decided in each case, and whether that is what is expected."""
        return list(self.system.rights.tested(cases))

    @tool(read_only=True)
    async def audit_list(self, which: AuditQuery = ANY) -> list[AuditRow]:
        """Return the last decisions: about calls, keys, rights and sign-ins; oldest first."""
        return list(await self.system.audited(which))

    @tool(read_only=True)
    async def audit_verify(self) -> Verified:
        """Return how many rows the audit has, and which of them were changed or are missing."""
        return await self.system.verified()
