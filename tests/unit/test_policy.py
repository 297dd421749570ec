"""The example policy and what it compiles to."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from cordboard import codec
from cordboard.events.bounds import FRAME_MAX, Requirement
from cordboard.events.commit import Commit
from cordboard.events.fact import PolicyPublished
from cordboard.events.policy import Policy
from cordboard.policy import PolicyErrors, json_schema, load, loads, spell_policy
from cordboard.policy.duration import NotADuration, format_duration, parse_duration

EXAMPLE = Path(__file__).parents[2] / "examples" / "webshop.yaml"
SMALL = """\
site: shop
skills: [nl.written, no.written]
channels:
  chat: {presence: live, class: 1, answered_on: first_message}
queues:
  orders:
"""


def test_webshop_compiles_to_what_it_says() -> None:
    policy = load(EXAMPLE).policy
    assert policy.site == "webshop"
    assert [queue.name for queue in policy.queues] == [
        "orders", "product-information", "quotes", "deliveries", "invoices", "helpdesk", "complaints",
    ]  # fmt: skip
    assert [channel.name for channel in policy.channels] == ["chat", "task", "mail", "form", "voice", "webhook"]
    chat, task, mail, *_ = policy.channels
    assert (mail.presence, mail.klass, mail.reply, chat.reply) == ("async", 3, "mail", "live")
    assert (chat.presence, chat.klass, chat.answered_on, chat.offer_ttl_ms, chat.wrap_up_max_ms) == (
        "live",
        1,
        "first_message",
        20_000,
        180_000,
    )
    assert (task.presence, task.klass, task.wrap_up_cost_percent, task.cost) == ("async", 3, 50, 60)
    invoices = policy.queues[4]
    assert invoices.requirements == [Requirement("finance", 3, True)]
    assert (invoices.target_ms, invoices.targets_ms) == (90_000, dict.fromkeys(("form", "mail", "task", "webhook"), 86_400_000))
    assert policy.dispositions[0] == "solved"
    assert {reason.name: reason.klass for reason in policy.reasons}["lunch"] == "meal"


def test_example_writes_the_defaults_of_routing() -> None:
    """Its comments say so, and people rely on it."""
    text = EXAMPLE.read_text()
    without = text[: text.index("\nrouting:")]
    assert loads(without).policy == loads(text).policy


def test_compiling_is_deterministic_and_fits_a_frame() -> None:
    site = load(EXAMPLE)
    assert site.compiled(7) == load(EXAMPLE).compiled(7)
    assert site.digest == load(EXAMPLE, version=9).digest
    assert codec.decode_policy(site.compiled(7)) == site.at_version(7)
    fact = codec.check_fact(PolicyPublished(fact_id=bytes(16), policy=site.compiled((1 << 53) - 1)))
    assert len(codec.encode_frame([fact])) < FRAME_MAX // 2


def test_comments_and_layout_do_not_change_the_digest() -> None:
    assert loads(SMALL).digest == loads("\ufeff# hello\n\n" + SMALL.replace("\n", "\r\n")).digest


def test_small_document_has_the_defaults_of_the_words() -> None:
    policy = loads(SMALL).policy
    plain = Policy(version=1, site="shop", skills=[], channels=[], queues=[])
    assert (policy.capacity, policy.age_credit_ms, policy.toggle_grace_ms) == (
        plain.capacity,
        plain.age_credit_ms,
        plain.toggle_grace_ms,
    )
    assert policy.channels[0].offer_ttl_ms == 20_000
    assert policy.queues[0].target_ms == 60_000


def test_words_that_yaml_likes_to_change_stay_words() -> None:
    text = SMALL.replace("[nl.written, no.written]", "[no, on, yes, 0777, 1.10, 1e3, null.x]").replace("orders:", "off:")
    policy = loads(text).policy
    assert policy.skills == ["no", "on", "yes", "0777", "1.10", "1e3", "null.x"]
    assert policy.queues[0].name == "off"


def test_labels_of_words_stay_out_of_the_compiled_policy() -> None:
    site = load(EXAMPLE)
    assert site.label("queues.orders", "nl") == "Bestellingen"
    assert site.label("queues.orders", "fr-BE", "nl") == "Commandes"
    assert site.label("queues.orders", "pt") == "Orders"
    assert site.label("skills.nl.written", "de") == "Niederländisch, schriftlich"
    assert site.label("entry_points.chat-help", "nl") == "Chat op hulppagina's"
    assert site.label("queues.nowhere", "nl") == "nowhere"
    assert b"Bestellingen" not in site.compiled(1)


def test_a_label_without_language_is_the_documents() -> None:
    site = loads(SMALL.replace("  orders:", "  orders: {label: Bestellingen}") + "language: nl\n")
    assert site.labels["queues.orders"] == {"nl": "Bestellingen"}


def test_requirements_in_all_spellings() -> None:
    requires = "  orders: {requires: [nl.written, 'no.written:3 soft']}"
    assert loads(SMALL.replace("  orders:", requires)).policy.queues[0].requirements == [
        Requirement("nl.written", 1, True),
        Requirement("no.written", 3, False),
    ]


def test_a_compiled_policy_spells_back_to_itself() -> None:
    policy = load(EXAMPLE).policy
    assert loads(json.dumps(spell_policy(policy))).policy == policy


def test_schema_accepts_the_example_and_refuses_what_check_refuses() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for text in (EXAMPLE.read_text(), SMALL, json.dumps(spell_policy(load(EXAMPLE).policy))):
        validator.validate(YAML(typ="safe", pure=True).load(text))
    document = YAML(typ="safe", pure=True).load(EXAMPLE.read_text())
    for path, value in (("chat.cost", 10_001), ("chat.offer_ttl", "20 sec"), ("chat.class", 4), ("chat.colour", "red")):
        channel, key = path.split(".")
        broken = json.loads(json.dumps(document))
        broken["channels"][channel][key] = value
        assert not validator.is_valid(broken), path


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PolicyErrors) as missing:
        load(tmp_path / "none.yaml")
    assert "cannot be read" in missing.value.problems[0].message
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("site: shop\nlabel: Réclamations\n".encode("latin-1"))
    with pytest.raises(PolicyErrors) as encoded:
        load(latin)
    assert (encoded.value.problems[0].line, encoded.value.problems[0].column) == (2, 9)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0), ("0s", 0), ("250ms", 250), ("20s", 20_000), ("2m", 120_000), ("8h", 28_800_000), ("1d", 86_400_000),
        ("1h30m", 5_400_000), ("1m 30s", 90_000), ("1 h", 3_600_000), ("366d", 366 * 86_400_000),
    ],
)  # fmt: skip
def test_durations(text: str, ms: int) -> None:
    assert parse_duration(text) == ms
    assert parse_duration(format_duration(ms)) == ms


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("30", "write `30s` for seconds, `30m` for minutes or `30ms` for milliseconds"),
        ("1.5h", "write `1h30m`"),
        ("1,5 Stunden", None),
        ("20 seconds", "write `20s`"),
        ("2 Min.", "write `2m`"),
        ("30s1m", "write `1m30s`"),
        ("90s 30s", "write `2m`"),
        ("1500 msec", "write `1s500ms`"),
        ("-5s", None),
        ("soon", None),
        ("", None),
        ("٣s", None),
        ("367d", "the longest is 366d"),
    ],
)
def test_what_is_no_duration(text: str, suggestion: str | None) -> None:
    with pytest.raises(NotADuration) as error:
        parse_duration(text)
    assert error.value.suggestion == (suggestion or "write a number with a unit, such as 500ms, 20s, 2m, 8h or 1h30m")


def test_the_core_adopts_the_example() -> None:
    from cordboard._core import Router

    router = Router("webshop")
    router.take_over(bytes(16), 1_000)
    fact = codec.encode(PolicyPublished(fact_id=bytes(range(16)), policy=load(EXAMPLE).compiled(1)))
    commits = [codec.decode_commit(data) for data in router.step([(1, 1_000, codec.encode_frame([fact]))], 1_000)]
    assert _adopted(commits) == load(EXAMPLE).compiled(1)


def _adopted(commits: list[Commit]) -> bytes:
    from cordboard.events.event import PolicyAdopted

    events = [codec.decode_event(entry) for commit in commits for entry in commit.entries if entry.tag != 0]
    return next(event.policy for event in events if isinstance(event, PolicyAdopted))
