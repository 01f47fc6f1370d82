"""A verb that has verbs of its own: who writes none of them is told what there is to write."""

from __future__ import annotations

from collections.abc import Iterable

import click


class Group(click.Group):
    """Verbs under one name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the options of the group; raise `UsageError` that names its verbs, behind which most options stand."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(f"{error.message} {self._there_are(ctx)}", ctx) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb that `args` begin with; raise `UsageError` that says what else could be meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            found = self.elsewhere(ctx, args[0])
            raise click.UsageError(f"{error.message} {found or self._there_is(ctx, args[0])}", ctx) from None

    def elsewhere(self, ctx: click.Context, name: str) -> str:
        """Return what is to be written where `name` is a verb of another verb; "" where it is none."""
        del ctx, name
        return ""

    def _there_is(self, ctx: click.Context, name: str) -> str:
        import difflib  # noqa: PLC0415  only for a mistake, and help is fast

        near: Iterable[str] = difflib.get_close_matches(name, self.list_commands(ctx), 2)
        meant = " or ".join(f"{ctx.command_path} {verb}" for verb in near)
        return f"Did you mean: {meant}?" if meant else self._there_are(ctx)

    def _there_are(self, ctx: click.Context) -> str:
        return f"Write: {ctx.command_path} {'|'.join(self.list_commands(ctx))}"
