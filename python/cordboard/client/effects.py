"""Effects: what is on its way out, and the dead letters."""

from collections.abc import AsyncIterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cordboard.client.connection import Connection, new_request_id
from cordboard.v1 import effect_service_pb2 as effects_pb
from cordboard.v1.effect_service_pb2 import Effect, EffectSummary
from cordboard.v1.effect_service_pb2_grpc import EffectServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.effect_service_pb2_grpc import EffectServiceAsyncStub

_STATES = {
    None: effects_pb.EFFECT_STATE_UNSPECIFIED,
    "open": effects_pb.EFFECT_STATE_OPEN,
    "failed": effects_pb.EFFECT_STATE_FAILED,
}


class EffectCalls(Connection):
    """EffectService."""

    @cached_property
    def _effects(self) -> "EffectServiceAsyncStub":
        return EffectServiceStub(self._channel)

    async def list_effects(
        self,
        state: Literal["open", "failed"] | None = None,
        *,
        kind: str = "",
        contact_id: str = "",
        page_size: int = 100,
        after: str = "",
    ) -> AsyncIterator[Effect]:
        """Effects that are not over, oldest first, over all pages; None: whatever their state."""
        page_token = ""
        while True:
            request = effects_pb.ListEffectsRequest(
                state=_STATES[state],
                kind=kind,
                contact_id=contact_id,
                page_size=page_size,
                page_token=page_token,
                consistency_token=after,
            )
            page = await self._send(self._effects.ListEffects, request)
            for effect in page.effects:
                yield effect
            page_token = page.next_page_token
            if not page_token:
                return

    async def effect_summary(self, *, after: str = "") -> EffectSummary:
        """How many are open and failed, and since when."""
        request = effects_pb.ListEffectsRequest(page_size=1, consistency_token=after)
        return (await self._send(self._effects.ListEffects, request)).summary

    async def retry_effect(self, effect_id: str, *, request_id: str | None = None) -> effects_pb.RetryEffectResponse:
        """Try a failed effect again."""
        request = effects_pb.RetryEffectRequest(request_id=request_id or new_request_id(), effect_id=effect_id)
        return await self._send(self._effects.RetryEffect, request)

    async def discard_effect(self, effect_id: str, *, request_id: str | None = None) -> effects_pb.DiscardEffectResponse:
        """Give a failed effect up."""
        request = effects_pb.DiscardEffectRequest(request_id=request_id or new_request_id(), effect_id=effect_id)
        return await self._send(self._effects.DiscardEffect, request)
