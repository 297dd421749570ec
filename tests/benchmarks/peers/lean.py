"""The facts as the twin decodes them: the project's own words, less the regular expression on every name.

msgspec runs that expression in Python, name by name, and decoding would take four times as long. The twin looks every name up
in the policy instead, which knows valid ones only.
"""

import types
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from cordboard.events import fact as facts

SERVED = (
    facts.ContactArrived,
    facts.OfferAnswered,
    facts.ContactConnected,
    facts.EngagementEndRequested,
    facts.AgentDeclared,
    facts.PresenceRequested,
    facts.PolicyPublished,
)


def without_patterns(kind: Any) -> Any:
    """The same type, but for the patterns in it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        bounds = [bound for bound in kind.__metadata__ if not (isinstance(bound, msgspec.Meta) and bound.pattern)]
        inner = without_patterns(arguments[0])
        return Annotated[inner, *bounds] if bounds else inner
    if origin in (Union, types.UnionType):
        return Union[tuple(map(without_patterns, arguments))]  # noqa: UP007 built at run time
    if origin is list:
        return list[without_patterns(arguments[0])]  # type: ignore[misc]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return lean(kind)
    return kind


@cache
def lean(word: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The word again: same fields, same bytes."""
    hints = get_type_hints(word, include_extras=True)
    fields: list[Any] = []
    for field in msgspec.structs.fields(word):
        kind = without_patterns(hints[field.name])
        if field.default is not msgspec.NODEFAULT:
            fields.append((field.name, kind, field.default))
        elif field.default_factory is not msgspec.NODEFAULT:
            fields.append((field.name, kind, msgspec.field(default_factory=field.default_factory)))
        else:
            fields.append((field.name, kind))
    return msgspec.defstruct(word.__name__, fields, array_like=True, tag=word.__struct_config__.tag, gc=False)


LEAN: dict[str, type[msgspec.Struct]] = {word.__name__: lean(word) for word in SERVED}
decode_fact = msgspec.msgpack.Decoder(Union[tuple(LEAN.values())]).decode  # noqa: UP007 built at run time
decode_frame = msgspec.msgpack.Decoder(list[bytes]).decode
