"""Which models may answer a request, and in which order: by task, by tenant, and by what kind of data it carries."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mads.duos.fiedler.config import Policy, Rule
from mads.duos.fiedler.house import House, Model
from mads.wire.errors import ConfigError, Denied
from mads.wire.model import ModelRequest


class Chooser:
    """Goes by `policy`, first rule first; what carries a label of `inside` is sent to no external model."""

    def __init__(self, house: House, policy: Policy, inside: Collection[str]) -> None:
        self._house, self._inside = house, frozenset(inside)
        unknown = [name for rule in policy for name in rule.models if name not in house.models]
        if unknown:
            raise ConfigError(f"fiedler: policy: there is no model {unknown[0]!r}; there is {', '.join(house.models)}")
        self._policy = policy or [Rule(tuple(house.models)[:1])]

    def chosen(self, request: ModelRequest, tenant: str) -> tuple[Rule, Sequence[Model]]:
        """Return the rule that a request falls under, and the models that may answer it, first first.

        Raises `InvalidMessage` where it names a model that is not there, `Denied` where none may see it.
        """
        rule = self._rule(request, tenant)
        names = (request.model,) if request.model else rule.models
        models = [self._house.model(name) for name in names]
        kept = sorted(self._inside.intersection(_carried(request)))
        allowed = [model for model in models if not kept or model.place == "inside"]
        if not allowed:
            raise Denied(
                f"what is labelled {' and '.join(map(repr, kept))} stays inside, and {', '.join(names)} is external; "
                f'write a rule at fiedler: {{ label = {kept[0]!r}, models = [a model with place = "inside"] }}'
            )
        return rule, allowed

    def _rule(self, request: ModelRequest, tenant: str) -> Rule:
        for rule in self._policy:
            fits = rule.task in ("", request.task) and rule.tenant in ("", tenant)
            if fits and (not rule.label or rule.label in _carried(request)):
                return rule
        raise Denied(
            f"no rule of fiedler's policy fits task {request.task!r} of tenant {tenant!r}; write one without task, "
            "tenant and label last: { models = […] }"
        )


def _carried(request: ModelRequest) -> set[str]:
    """Return the labels of a request, and of what kind each is: "untrusted" of "untrusted:marco"."""
    return {part for label in request.labels for part in (label, label.partition(":")[0])}
