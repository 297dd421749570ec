"""Doors that lead nowhere: channels, topics and queues that are not there, answers that could not go out, addresses twice."""

from collections.abc import Iterator

from cordboard.policy.doors import FORM_CHANNEL, WEBHOOK_CHANNEL
from cordboard.policy.entry import Entry
from cordboard.policy.problems import Problems
from cordboard.policy.references import check_references
from cordboard.policy.sections import Document

DOORS = {"entry_points": None, "forms": FORM_CHANNEL, "webhooks": WEBHOOK_CHANNEL}
"""The parts of the document that open channels, and the channel where none is written."""
BOOKED_BY, MANAGE = "voice", "manage"
"""The channel at whose entry points calls are booked, and the name that none of them may have."""
TEXT_MAX_AS_LINE = 998
"""A subject is one header line of a mail."""


def doors(document: Document) -> Iterator[tuple[str, str, Entry]]:
    """Every door: its part, its name, its entry."""
    for group in DOORS:
        for word, entry in document.named[group].items():
            yield group, word, entry


def door_channel(group: str, entry: Entry) -> str | None:
    """The channel a door opens; None if what is written cannot be read."""
    if "channel" in entry.wrong:
        return None
    channel: str | None = entry.get("channel") or DOORS[group]
    return channel


def check_doors(document: Document, problems: Problems) -> None:
    """Add every contradiction of topics, entry points, forms and webhooks."""
    for word, topic in document.named["topics"].items():
        check_references(document, topic, ("queue",), f"topics.{word}", problems)
    seen: dict[str, tuple[str, int]] = {}
    for group, word, entry in doors(document):
        path = f"{group}.{word}"
        check_references(document, entry, ("channel", "queue", "topic"), path, problems)
        _check_default_channel(document, group, entry, path, problems)
        if word in seen:
            other, line = seen[word]
            advice = f"`{other}` has it on line {line}: entry points, forms and webhooks share their names"
            problems.add(entry.at, path, f"`{word}` stands twice", advice)
        seen.setdefault(word, (group, entry.at[0]))
    for word, entry in document.named["entry_points"].items():
        if word == MANAGE and door_channel("entry_points", entry) == BOOKED_BY:
            message = f"customers book calls at `/callbacks/<entry point>`, and look after them at `/callbacks/{MANAGE}`"
            problems.add(entry.at, f"entry_points.{word}", message, "give it another name")
        _check_availability(document, word, entry, problems)
    _check_addresses(document, problems)
    _check_replies(document, problems)
    for word, form in document.named["forms"].items():
        _check_form(document, form, f"forms.{word}", problems)
    for word, webhook in document.named["webhooks"].items():
        _check_webhook(document, webhook, f"webhooks.{word}", problems)


def _check_availability(document: Document, word: str, entry: Entry, problems: Problems) -> None:
    shown: Entry | None = entry.get("availability")
    if shown is None:
        return
    path = f"entry_points.{word}.availability"
    if "queue" not in entry.values and "queue" not in entry.wrong:
        problems.add(entry.place("availability"), path, "it is not said whose wait it shows", "add `queue:` to the entry point")
    referral = shown.get("referral")
    if referral is not None and (referral == word or referral not in document.named["entry_points"]):
        others = [name for name in document.named["entry_points"] if name != word]
        advice = f"write one of {', '.join(others)}" if others else "remove it"
        problems.add(shown.place("referral"), f"{path}.referral", f"`{referral}` is no other entry point", advice)


def _check_default_channel(document: Document, group: str, entry: Entry, path: str, problems: Problems) -> None:
    channel = door_channel(group, entry)
    if "channel" not in entry.values and channel is not None and channel not in document.named["channels"]:
        message = f"it opens channel `{channel}`, which is not there"
        problems.add(entry.at, path, message, f"add `{channel}:` under `channels:`, or write another `channel:` here")


def _check_addresses(document: Document, problems: Problems) -> None:
    lines: dict[str, int] = {}
    form_channels = {door_channel("forms", form) for form in document.named["forms"].values()}
    for word, entry in document.named["entry_points"].items():
        path, address, name = f"entry_points.{word}", entry.get("address"), door_channel("entry_points", entry)
        channel = document.named["channels"].get(name or "")
        if address is not None:
            at = entry.place("address")
            if address in lines:
                advice = f"it is on line {lines[address]} already: an address opens one door"
                problems.add(at, f"{path}.address", f"`{address}` stands twice", advice)
            lines.setdefault(address, at[0])
            if channel is not None and channel.get("presence") == "live":
                problems.add(
                    at, f"{path}.address", f"nobody writes mail to `{name}`, a live channel", "remove it, or write a mail channel"
                )
        elif channel is not None and "address" not in entry.wrong and _takes_mail(channel) and name not in form_channels:
            problems.add(entry.at, path, "no mail comes in without an address", "add `address: service@webshop.example`")


def _takes_mail(channel: Entry) -> bool:
    return bool(channel.get("reply") == "mail" and channel.get("presence") != "live")


def _check_replies(document: Document, problems: Problems) -> None:
    """Whether an agent's answer finds its way out of each channel."""
    uses: dict[str, str] = {}
    for group, word, entry in doors(document):
        opened = door_channel(group, entry)
        if opened is not None and (group != "entry_points" or "address" in entry.values):
            uses.setdefault(opened, f"{group.removesuffix('s').replace('_', ' ')} `{word}`")
    for word, channel in document.named["channels"].items():
        path, presence, reply = f"channels.{word}", channel.get("presence"), channel.get("reply")
        if word == "chat" and presence == "async":
            message = "a chat that is async: customers would leave and never be let go"
            problems.add(
                channel.place("presence"), f"{path}.presence", message, "write `presence: live`, or give the channel another name"
            )
        if word == "chat" and channel.get("join_waiting"):
            message = "a customer's second chat window would join the first contact, and have no conversation of its own"
            problems.add(
                channel.place("join_waiting"), f"{path}.join_waiting", message, "remove it, or give the channel another name"
            )
        if presence == "live" and reply not in (None, "live"):
            message = f"customers who are there would get their answers by {reply}, later"
            problems.add(channel.place("reply"), f"{path}.reply", message, "write `reply: live`, or `presence: async`")
        elif reply == "live" and word in uses and presence != "live":
            way = "webhook" if uses[word].startswith("webhook") else "mail"
            message = f"{uses[word]} leads here, but nobody is connected to read an answer"
            problems.add(channel.place("reply"), f"{path}.reply", message, f"write `reply: {way}`")


def _check_form(document: Document, form: Entry, path: str, problems: Problems) -> None:
    fields: dict[str, Entry] = form.get("fields") or {}
    if not fields and "fields" in form.values:
        problems.add(
            form.place("fields"),
            f"{path}.fields",
            "a form without fields",
            "write at least the one for the text: `message: {kind: long_text, as: text}`",
        )
        return
    roles: dict[str, str] = {}
    for word, one in fields.items():
        _check_field(one, f"{path}.fields.{word}", roles, word, problems)
    if not fields or any(one.wrong for one in fields.values()):
        return
    if "text" not in roles:
        problems.add(form.place("fields"), f"{path}.fields", "no field is the text", "write `as: text` at the one for the message")
    channel = document.named["channels"].get(door_channel("forms", form) or "")
    if channel is not None and channel.get("reply") == "mail" and "email" not in roles:
        message = "answers go by mail, but no field is the customer's address"
        problems.add(form.place("fields"), f"{path}.fields", message, "add `email: {kind: email, required: true, as: email}`")


def _check_field(one: Entry, path: str, roles: dict[str, str], word: str, problems: Problems) -> None:
    kind, role, choices = one.get("kind"), one.get("as"), one.get("choices")
    if kind == "choice" and not choices and "choices" not in one.wrong:
        problems.add(one.at, path, "there is nothing to choose", "add `choices: [one, two]`")
    if choices and kind not in (None, "choice"):
        problems.add(one.place("choices"), f"{path}.choices", f"choices in a field of kind {kind}", "write `kind: choice`")
    if role is None:
        return
    if role in roles:
        problems.add(one.place("as"), f"{path}.as", f"`{roles[role]}` is the {role} already", "keep one of them")
    roles.setdefault(role, word)
    if role == "email" and kind not in (None, "email"):
        problems.add(one.place("as"), f"{path}.as", f"a mail address in a field of kind {kind}", "write `kind: email`")
    if role == "subject" and (one.get("max_length") or 0) > TEXT_MAX_AS_LINE:
        problems.add(one.place("max_length"), f"{path}.max_length", "a subject is one line", f"write at most {TEXT_MAX_AS_LINE}")


def _check_webhook(document: Document, webhook: Entry, path: str, problems: Problems) -> None:
    name = door_channel("webhooks", webhook)
    channel = document.named["channels"].get(name or "")
    reply = channel.get("reply") if channel is not None else None
    if reply == "webhook" and "reply_url" not in webhook.values and "reply_url" not in webhook.wrong:
        message = f"answers on `{name}` are posted to the source, but it is not said where"
        problems.add(webhook.at, path, message, "add `reply_url: https://…`")
    by_mail = webhook.get("customer_kind") == "email" and "customer" in webhook.values
    if reply == "mail" and "reply_url" in webhook.values:
        advice = "write `reply: webhook` there, or remove this"
        problems.add(webhook.place("reply_url"), f"{path}.reply_url", f"no answer is posted: `{name}` has reply {reply}", advice)
    elif reply == "mail" and not by_mail and "customer" not in webhook.wrong and "customer_kind" not in webhook.wrong:
        message = f"answers on `{name}` go by mail, but no mail address is in the payload"
        problems.add(webhook.at, path, message, "add `customer: /…`, the place of the address")
