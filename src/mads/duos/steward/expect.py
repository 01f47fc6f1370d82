"""Whoever asks about a MAD that is not there is told so, and not that nothing was found."""

from mads.author.system import System


def expect(system: System, found: object, name: str) -> None:
    """Raise `InvalidMessage` where nothing was `found` of `name`, a MAD or its tool, and there is no such MAD."""
    if name and not found:
        system.shown(name.removeprefix("mads.").partition(".")[0])
