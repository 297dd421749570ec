"""The chat's frames: what is taken, what is refused and under which word."""

import json
import random

import msgspec
import pytest

from cordboard.errors import InvalidInput
from cordboard.gateway.chat import protocol
from cordboard.gateway.limits import FRAME_MAX, TEXT_MAX
from tests.chat import broken_frames

SECRET = "0123456789abcdef0123456789abcdef"


def test_the_frames_of_the_document_are_taken() -> None:
    start = protocol.decode(
        json.dumps({"type": "start", "client_id": SECRET, "queue": "orders", "language": "nl", "text": "Hallo"})
    )
    assert start == protocol.Start(client_id=SECRET, text="Hallo", queue="orders", language="nl")
    assert protocol.decode('{"type":"message","client_id":"1","text":"a\\nb"}') == protocol.Post(client_id="1", text="a\nb")
    assert protocol.decode('{"type":"typing"}') == protocol.Typing()
    assert protocol.decode(f'{{"type":"read","message":"{SECRET}"}}') == protocol.Read(SECRET)
    assert protocol.decode('{"type":"leave","since":"a newer page"}') == protocol.Leave()
    assert protocol.decode('{"type":"resume","token":"x","seen":3}') == protocol.Resume(token="x", seen=3)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ("nonsense", "bad_json"),
        ('{"type":"typing"} x', "bad_json"),
        ('{"type":"message","client_id":"1","text":"\\ud800"}', "bad_json"),
        (b"\xff\xfe", "bad_json"),
        ("[" * 10_000, "bad_message"),
        ("[]", "bad_message"),
        ("null", "bad_message"),
        ("{}", "bad_message"),
        ('{"type":"abolish"}', "bad_message"),
        ('{"type":1}', "bad_message"),
        ('{"type":"typing","type":"started"}', "bad_message"),
        ('{"type":"message","text":"no id"}', "bad_message"),
        ('{"type":"message","client_id":"","text":"a"}', "bad_message"),
        ('{"type":"message","client_id":"a b","text":"a"}', "bad_message"),
        ('{"type":"message","client_id":"a\\n","text":"a"}', "bad_message"),
        ('{"type":"message","client_id":"1","text":""}', "bad_message"),
        ('{"type":"message","client_id":"1","text":7}', "bad_message"),
        ('{"type":"message","client_id":"1","text":"\\u001b[2J"}', "bad_message"),
        ('{"type":"message","client_id":"1","text":"\\u0000"}', "bad_message"),
        (json.dumps({"type": "message", "client_id": "1", "text": "x" * (TEXT_MAX + 1)}), "bad_message"),
        (json.dumps({"type": "message", "client_id": "1", "text": "x" * FRAME_MAX}), "too_large"),
        ('{"type":"start","client_id":"guessable","text":"a","queue":"orders"}', "bad_message"),
        (f'{{"type":"start","client_id":"{SECRET}","text":"a","queue":"Orders"}}', "bad_message"),
        (f'{{"type":"start","client_id":"{SECRET}","text":"a","queue":"orders","language":"nl_BE"}}', "bad_message"),
        ('{"type":"resume","token":"x","seen":-1}', "bad_message"),
        ('{"type":"resume","token":"x","seen":1e400}', "bad_message"),
        ('{"type":"read","message":"0123"}', "bad_message"),
        ('{"type":"read","message":"0123456789ABCDEF0123456789ABCDEF"}', "bad_message"),
    ],
)
def test_what_is_refused(frame: str | bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        protocol.decode(frame)
    assert refused.value.reason == reason


def test_nothing_else_comes_out_of_broken_frames() -> None:
    for frame in broken_frames(random.Random(7), 2_000):
        with pytest.raises(InvalidInput) as refused:
            protocol.decode(frame)
        assert refused.value.reason in ("bad_json", "bad_message", "too_large")


def test_the_longest_text_fits_a_frame_in_any_script() -> None:
    text = "\N{PILE OF POO}" * TEXT_MAX
    frame = json.dumps({"type": "message", "client_id": "1" * 64, "text": text}, ensure_ascii=False)
    assert len(frame.encode()) <= FRAME_MAX
    assert protocol.decode(frame) == protocol.Post(client_id="1" * 64, text=text)


def test_a_servers_frame_says_its_type_and_leaves_out_what_it_does_not_know() -> None:
    assert json.loads(protocol.encode(protocol.Wait(expected_ms=5))) == {"type": "wait", "expected_ms": 5}
    receipt = protocol.Receipt(message=SECRET, state="read")
    assert json.loads(protocol.encode(receipt)) == {"type": "receipt", "message": SECRET, "state": "read"}
    told = protocol.Told(ordinal=1, author="agent", text=None, message=SECRET, at_ms=1)
    assert json.loads(protocol.encode(told))["text"] is None


def test_the_schema_names_every_frame() -> None:
    document = json.dumps(protocol.schema())
    for frame in (*protocol.ClientFrame.__args__, *protocol.ServerFrame.__args__):
        assert isinstance(frame, type) and issubclass(frame, msgspec.Struct)
        assert f'"#/$defs/{frame.__name__}"' in document
