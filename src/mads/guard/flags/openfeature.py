"""The flags for code that asks by OpenFeature: `api.set_provider(MadsProvider(self.flags))` in whatever has `Flags`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from openfeature.evaluation_context import EvaluationContext  # pyright: ignore[reportMissingTypeStubs]  typed, but it does not say so
from openfeature.exception import FlagNotFoundError, GeneralError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata  # pyright: ignore[reportMissingTypeStubs]  typed, but it does not say so

from mads.guard.flags.snapshot import Evaluation, fits

T = TypeVar("T")
Tree = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class Evaluating(Protocol):
    """What the runtime puts where a MAD asks for `Flags`."""

    def evaluate(self, flag: str, about: Mapping[str, Any]) -> Evaluation:
        """Return what a flag is for the call being handled, and why."""
        ...


class MadsProvider(AbstractProvider):
    """A provider of OpenFeature: whoever makes the call being handled is asked about, besides the context."""

    def __init__(self, flags: object) -> None:
        super().__init__()
        self._flags = cast("Evaluating", flags)

    def get_metadata(self) -> Metadata:
        """Return the name of this provider."""
        return Metadata("mads")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001  OpenFeature's own signature
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Return a flag that is true or false."""
        return self._found(flag_key, default_value, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Return a flag that is a text."""
        return self._found(flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """Return a flag that is a whole number."""
        return self._found(flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """Return a flag that is a number."""
        return self._found(flag_key, default_value, evaluation_context)

    def resolve_object_details(
        self, flag_key: str, default_value: Tree, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Tree]:
        """Return a flag that is an object or a list."""
        return self._found(flag_key, default_value, evaluation_context)

    def _found(self, flag: str, default: T, context: EvaluationContext | None) -> FlagResolutionDetails[T]:
        about: dict[str, Any] = {} if context is None else dict(context.attributes)
        if context is not None and context.targeting_key:
            about["targetingKey"] = context.targeting_key
        found = self._flags.evaluate(flag, about)
        if found.variant is None:
            if found.reason == "ERROR":
                raise (FlagNotFoundError if found.why.startswith("there is no flag") else GeneralError)(found.why)
            return FlagResolutionDetails(default, reason=Reason(found.reason))
        if not fits(found.value, default):
            raise TypeMismatchError(f"{flag} is {found.value!r:.100}")
        return FlagResolutionDetails(found.value, variant=found.variant, reason=Reason(found.reason))
