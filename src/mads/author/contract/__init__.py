"""What a system promises to those who call and hear it, and what has become of such a promise."""

from mads.author.contract.diff import Change, changes, misfits
from mads.author.contract.interface import Interface, interface

__all__ = ["Change", "Interface", "changes", "interface", "misfits"]
