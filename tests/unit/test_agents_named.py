"""Where words name agents is found in their types; nothing else of a word is left out."""

from cordboard.events.agents_named import AGENT_FIELDS, without_agents

ANNA, BERT = "aa" * 16, "bb" * 16


def test_fields_are_found_in_facts_and_events() -> None:
    assert AGENT_FIELDS["ConsultRequested"] == {"agent", "to_agent"}
    assert AGENT_FIELDS["RoleRequested"] == {"agent", "other"}
    assert AGENT_FIELDS["ContactQueued"] == {"preferred", "excluded", "back"}
    assert AGENT_FIELDS["TransferRequested"] == {"agent", "to_agent", "by"}
    assert AGENT_FIELDS["ContactLinked"] == frozenset(), "its `other` is a contact"
    assert AGENT_FIELDS["ParkEnded"] == frozenset(), "its `by` is a word"


def test_what_names_nobody_stays() -> None:
    details = {"visit": 2, "queue": "orders", "preferred": [ANNA], "back": BERT, "requirements": [{"skill": "nl"}]}
    assert without_agents("ContactQueued", details) == {"visit": 2, "queue": "orders", "requirements": [{"skill": "nl"}]}


def test_the_runner_up_is_an_agent_only_if_the_contact_looked() -> None:
    looked = {"looked": "contact", "able": 2, "runner_up": ANNA}
    offered = {"attempt": 1, "why": looked, "direct": {"by": ANNA, "reason": "pick"}}
    assert without_agents("OfferMade", offered) == {
        "attempt": 1,
        "why": {"looked": "contact"},
        "direct": {"reason": "pick"},
    }
    agent_looked = {"why": {"looked": "agent", "runner_up": BERT, "decided": "due"}}
    assert without_agents("OfferMade", agent_looked) == agent_looked


def test_why_an_agent_could_not_have_it_is_about_that_agent() -> None:
    refused = {"verdict": "refused", "refusal": "agent_not_ready", "agent": ANNA}
    assert without_agents("PickRequested", refused) == {"verdict": "refused", "refusal": "agent_unavailable"}
    gone = {"verdict": "refused", "refusal": "contact_gone"}
    assert without_agents("PickRequested", gone) == gone


def test_how_many_were_free_is_a_figure_about_agents() -> None:
    offered = {"why": {"looked": "agent", "able": 1, "strategy": "longest_idle", "decided": "only"}}
    assert without_agents("OfferMade", offered) == {"why": {"looked": "agent", "strategy": "longest_idle"}}


def test_of_an_unknown_word_only_the_verdict_stays() -> None:
    assert without_agents("UnknownFact", {"verdict": "refused", "refusal": "no_policy", "agent": ANNA}) == {
        "verdict": "refused",
        "refusal": "no_policy",
    }
