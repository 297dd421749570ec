"""EffectService: what is on its way out, and the dead letters."""

from cordboard.api.guard import Context
from cordboard.api.ids import fact_id
from cordboard.api.site import Site
from cordboard.api.tokens import Ordinal
from cordboard.api.translate.check import Check
from cordboard.api.translate.effects import EFFECT_STATES, effect_row, effect_summary
from cordboard.effects.fold import Effect, State
from cordboard.errors import FactRefused
from cordboard.events.event import EffectRetried
from cordboard.events.fact import EffectDiscardRequested, EffectRetryRequested
from cordboard.events.verdict import REFUSALS
from cordboard.v1 import effect_service_pb2 as pb
from cordboard.v1.effect_service_pb2_grpc import EffectServiceServicer
from cordboard.vault.tokens import EFFECTS, effect_id

PAGE_MAX = 1_000
PAGE_DEFAULT = 100


class EffectService(EffectServiceServicer):
    """Reads from a fold of this process."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ids = site.vault.derive_key(EFFECTS)

    async def ListEffects(self, request: pb.ListEffectsRequest, context: Context) -> pb.ListEffectsResponse:
        check = Check()
        page_size = check.number("page_size", request.page_size or PAGE_DEFAULT, 1, PAGE_MAX)
        state = check.choice("state", request.state, EFFECT_STATES, None)
        kind = check.name_or_none("kind", request.kind)
        contact = check.id("contact_id", request.contact_id) if request.contact_id else None
        check.finish()
        bound_to = b"ListEffects" + f"{request.state}|{request.kind}|{request.contact_id}".encode()
        cursor = self._site.tokens.cursor(bound_to, request.page_token, tuple[Ordinal, Ordinal])
        await self._site.reach(request.consistency_token)
        # No await between these: all of it is of one position.
        seq, summary = self._site.feed.position, self._site.effects.summary()
        states: tuple[State, ...] = ("open", "failed") if state is None else (state,)
        found = self._site.effects.page(states, cursor, page_size + 1, kind=kind, contact=contact)
        more, found = len(found) > page_size, found[:page_size]
        people = await self._site.shown.before(effect.agent for effect in found)
        return pb.ListEffectsResponse(
            effects=[effect_row(self._outside_id(effect), effect, people) for effect in found],
            next_page_token=self._site.tokens.page(bound_to, found[-1].place) if more else "",
            summary=effect_summary(summary),
            consistency_token=self._site.token(seq),
        )

    def _outside_id(self, effect: Effect) -> bytes:
        return effect_id(self._ids, self._site.log.site, effect.commit, *effect.place)

    def _is_meant(self, seq: int, entry: int, name: str) -> None:
        """What was listed before the journal lost its end must not decide about what stands there now. Who is not found here is
        over, or was decided about by this very request before: the router knows."""
        effect = self._site.effects.get((seq, entry))
        if effect is not None and effect.name != name:
            raise FactRefused(REFUSALS["unknown_effect"], reason="unknown_effect")

    async def RetryEffect(self, request: pb.RetryEffectRequest, context: Context) -> pb.RetryEffectResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        seq, entry = check.place("effect_id", request.effect_id)
        check.finish()
        self._is_meant(seq, entry, request.effect_id)
        outcome = await self._site.command(EffectRetryRequested(fact_id("RetryEffect", request_id), seq, entry))
        retried = outcome.first(EffectRetried)
        return pb.RetryEffectResponse(
            round=retried.round if retried is not None else 0, consistency_token=self._site.token(outcome.seq)
        )

    async def DiscardEffect(self, request: pb.DiscardEffectRequest, context: Context) -> pb.DiscardEffectResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        seq, entry = check.place("effect_id", request.effect_id)
        check.finish()
        self._is_meant(seq, entry, request.effect_id)
        outcome = await self._site.command(EffectDiscardRequested(fact_id("DiscardEffect", request_id), seq, entry))
        return pb.DiscardEffectResponse(consistency_token=self._site.token(outcome.seq))
