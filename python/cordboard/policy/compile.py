"""A document without problems to the compiled policy. The same document always gives the same bytes."""

from typing import Any

import msgspec

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events.bounds import FRAME_MAX
from cordboard.events.policy import ChannelProfile, Policy, QueuePolicy, Reason
from cordboard.policy.problems import Problems
from cordboard.policy.sections import Document, Entry

COMPILED_MAX = FRAME_MAX - 128
"""Bytes: what a PolicyPublished fact can carry."""
_VERSION_LONGEST = (1 << 53) - 1


def compile_policy(document: Document, version: int) -> Policy:
    """The policy in the order of the file. `document` must have no problems."""
    named = document.named
    return Policy(
        version=version,
        skills=list(named["skills"]),
        channels=[ChannelProfile(name=word, **entry.fields()) for word, entry in named["channels"].items()],
        queues=[QueuePolicy(name=word, **_queue_fields(entry)) for word, entry in named["queues"].items()],
        reasons=[Reason(name=word, klass=entry.get("class")) for word, entry in named["reasons"].items()],
        dispositions=list(named["dispositions"]),
        **document.site.fields(),
        **document.routing.fields(),
    )


def check_size(document: Document, policy: Policy, problems: Problems) -> None:
    """A policy travels as one fact in one frame: add a problem at the largest part if it cannot."""
    size = len(codec.encode(msgspec.structs.replace(policy, version=_VERSION_LONGEST)))
    if size > COMPILED_MAX:
        largest = max(document.named, key=lambda key: len(document.named[key]))
        problems.add(
            document.places.get(largest, (1, 1)),
            largest,
            f"compiled, the policy has {size:,} bytes, most of them probably here",
            f"a policy fits one frame of {COMPILED_MAX:,} bytes: use fewer or shorter names",
        )


def check_compiled(policy: Policy) -> None:
    """A last guard against ourselves: the compiled bytes decode within all bounds. Raises InvalidInput if not."""
    if codec.decode_policy(codec.encode(policy)) != policy:
        raise InvalidInput("the compiled policy does not read back as it was written")


def _queue_fields(entry: Entry) -> dict[str, Any]:
    fields = entry.fields()
    if "targets_ms" in fields:
        fields["targets_ms"] = {channel: placed.value for channel, placed in sorted(fields["targets_ms"].items())}
    if "requirements" in fields:
        fields["requirements"] = [placed.value for placed in fields["requirements"]]
    return fields
