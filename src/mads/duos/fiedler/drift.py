"""Who answers under a model's id: noted when it is seen first, and noticed when it is another one later."""

from __future__ import annotations

from mads import Emit, Kept, Log, Turn, message
from mads.duos.fiedler.house import Model
from mads.duos.fiedler.port import Answered, Trouble


@message(name="fiedler.Known")
class Known:
    """Under the `id` of a model another name, or another build of it, has `answered`."""

    model: str
    id: str
    answered: str


@message(name="fiedler.ModelChanged")
class ModelChanged:
    """Under the `id` of `model` answered `before`, and now `after` does: prompts that were tried may fare otherwise."""

    model: str
    id: str
    before: str
    after: str


class Drift:
    """Watches who answers; what is known is kept, for each tenant."""

    def __init__(self, kept: Kept[Known], emit: Emit, log: Log, turn: Turn) -> None:
        self._kept, self._emit, self._log, self._turn = kept, emit, log, turn
        self._known: dict[tuple[str, str, str], str] = {}
        self._read: set[str] = set()
        self._told: set[tuple[str, str, str]] = set()

    async def judge(self, model: Model, answered: Answered) -> tuple[str, ...]:
        """Return what is odd about who answered; raise `Trouble` where a changed model must not be used."""
        who = _who(answered)
        if not who:
            return ()
        place = (self._turn.tenant, model.name, model.config.id)
        before = (await self._all()).setdefault(place, "")
        if before in ("", who):
            if not before:
                await self._keep(place, who)
            return ()
        changed = f"under {model.config.id!r} answers {who!r}, where {before!r} did"
        if (*place[1:], who) not in self._told:
            self._told.add((*place[1:], who))
            self._log.warning("another model answers", model=model.name, id=model.config.id, before=before, after=who)
            await self._emit(ModelChanged(model.name, model.config.id, before, who))
        if model.config.drift == "refuse":
            raise Trouble("drifted", f"{changed}; look at it, then: mads call fiedler.accept model={model.name}")
        await self._keep(place, who)
        return (changed,)

    async def accept(self, model: Model) -> str:
        """Take whoever answers next for the right one; return who that was until now."""
        place = (self._turn.tenant, model.name, model.config.id)
        before = (await self._all()).pop(place, "")
        await self._kept.remove(model=model.name, id=model.config.id)
        return before

    async def answering(self, model: Model) -> str:
        """Return who answers under the id of `model`, as far as is known."""
        return (await self._all()).get((self._turn.tenant, model.name, model.config.id), "")

    async def _all(self) -> dict[tuple[str, str, str], str]:
        tenant = self._turn.tenant
        if tenant not in self._read:
            self._read.add(tenant)
            for known in await self._kept.where():
                self._known[tenant, known.model, known.id] = known.answered
        return self._known

    async def _keep(self, place: tuple[str, str, str], who: str) -> None:
        _, model, id_ = place
        self._known[place] = who
        await self._kept.remove(model=model, id=id_)
        await self._kept.add(Known(model, id_, who))


def _who(answered: Answered) -> str:
    return f"{answered.model} {answered.fingerprint}".strip()
