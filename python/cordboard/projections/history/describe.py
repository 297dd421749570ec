"""The journal described for others: an AsyncAPI 3 document, with the words as JSON Schemas."""

from typing import Any

import msgspec
from faststream.specification import AsyncAPI

from cordboard import __version__
from cordboard.events import EVENTS, FACTS, Commit, Input
from cordboard.projections.history.projector import journal_broker

REF = "#/components/schemas/{name}"


def asyncapi(site: str = "default", nats_url: str = "nats://127.0.0.1:4222") -> dict[str, Any]:
    """The document as plain data, ready for JSON or YAML."""
    broker = journal_broker(nats_url, site, 1, lambda _seq, _data: None)
    specification = AsyncAPI(
        broker,
        title="Cordboard journal",
        version=__version__,
        description="What the router of a site recorded. Entries of a commit carry their facts and events as msgpack; "
        "each is an array, the tag first. The format is Cordboard's own: it may grow at the end, and never changes otherwise.",
    )
    document: dict[str, Any] = specification.to_specification().to_jsonable()
    _, schemas = msgspec.json.schema_components([Commit, Input, *EVENTS, *FACTS], ref_template=REF)
    document["components"]["schemas"] = schemas
    for message in document["components"]["messages"].values():
        message.update(name="Commit", contentType="application/msgpack", payload={"$ref": REF.format(name="Commit")})
        message.pop("correlationId", None)
    return document
