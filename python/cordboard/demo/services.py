"""Services that submit tasks over gRPC: one by one, and in bulk."""

import asyncio
import random

from cordboard.client import Client, ClientError, new_contact, new_request_id
from cordboard.demo.tally import Tally, now_ms
from cordboard.demo.texts import LANGUAGE_WEIGHTS, LANGUAGES, SUBJECTS
from cordboard.v1.types_pb2 import Requirement

BULK = 5


class Service:
    """A back office system with work to hand out."""

    def __init__(self, client: Client, queues: list[str], tally: Tally, dice: random.Random) -> None:
        self._client, self._queues, self._tally, self._dice = client, queues, tally, dice

    async def submit(self) -> None:
        """One task; its request id is used again when the answer got lost, so it exists once."""
        asked, request_id = now_ms(), new_request_id()
        for _ in range(10):
            try:
                done = await self._client.submit_contact(
                    channel="task",
                    queue=self._dice.choice(self._queues),
                    subject=self._dice.choice(SUBJECTS),
                    requirements=[self._language()],
                    priority=self._dice.choice((0, 0, 0, 5)),
                    request_id=request_id,
                )
            except ClientError as error:
                self._tally.happened[f"service: {error.reason or error.code.name}"] += 1
                await asyncio.sleep(0.5)
            else:
                self._tally.confirm(done.contact_id, asked)
                return

    async def submit_bulk(self) -> None:
        """Several tasks in one stream, each with its own result."""
        asked = now_ms()
        wanted = [
            new_contact(
                channel="task",
                queue=self._dice.choice(self._queues),
                subject=self._dice.choice(SUBJECTS),
                requirements=[self._language()],
            )
            for _ in range(BULK)
        ]
        for _ in range(10):
            try:
                results = await self._client.submit_contacts(wanted)
            except ClientError as error:
                self._tally.happened[f"service: {error.reason or error.code.name}"] += 1
                await asyncio.sleep(0.5)
                continue
            for result in results:
                if result.contact_id and not result.code:
                    self._tally.confirm(result.contact_id, asked)
                else:
                    self._tally.happened[f"service: {result.reason}"] += 1
            return

    def _language(self) -> Requirement:
        language = self._dice.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        return Requirement(skill=f"{language}.written", level=4)
