"""The far side's books on letters: what would be lost, doubled or torn apart must show, or the demo's exit code means nothing."""

from cordboard.demo.correspondence import Answer, Balance, Correspondence, Thread

TOKEN, OTHER = "0123456789ab", "ba9876543210"
ASKED = "<question@clients.example>"
FOUND = Balance(answers_expected=1, answers_received=1)


def books(channel: str = "mail") -> tuple[Correspondence, Thread]:
    """One customer has asked, and an agent has answered with TOKEN on contact c1."""
    post = Correspondence()
    thread = post.begin(channel, "anna@clients.example")
    thread.sent.append(ASKED)
    post.taken[channel] += 1
    post.say(TOKEN, channel, "c1")
    post.confirm(TOKEN)
    return post, thread


def answer(
    number: str = "<answer@shop.example>", token: str = TOKEN, to: str = ASKED, references: tuple[str, ...] = (ASKED,)
) -> Answer:
    return Answer(number, f"Done. [{token}]\n\n> older [{OTHER}]", in_reply_to=to, references=references)


def balance(post: Correspondence, channel: str = "mail", stored: int = 1, **case_of: str) -> Balance:
    return post.balance({channel: stored}, case_of)[channel]


def test_an_answer_that_arrives_once_in_its_thread_is_all_there_is() -> None:
    post, thread = books()
    assert not post.settled()
    post.receive(thread.address, answer())
    assert post.settled()
    assert balance(post) == FOUND
    assert list(post.flaws()) == []


def test_an_answer_that_never_comes_is_lost() -> None:
    post, _ = books()
    assert balance(post) == Balance(answers_expected=1, answers_received=0, lost=1)


def test_an_answer_that_the_engine_never_confirmed_is_not_owed_but_welcome() -> None:
    post, thread = books()
    post.receive(thread.address, answer())
    post.say(OTHER, "mail", "c1")
    assert balance(post) == FOUND
    post.receive(thread.address, answer("<second@shop.example>", OTHER))
    assert balance(post).answers_received == 2
    assert balance(post).lost == balance(post).doubled == 0


def test_the_same_message_id_twice_is_doubled_and_so_is_the_same_answer_in_two_mails() -> None:
    post, thread = books()
    post.receive(thread.address, answer())
    post.receive(thread.address, answer())
    assert balance(post).doubled == 1
    post.receive(thread.address, answer("<again@shop.example>"))
    assert balance(post).doubled == 2
    assert post.repeats.total() == 1


def test_what_the_journal_does_not_hold_is_lost_and_what_it_holds_too_much_is_doubled() -> None:
    post, thread = books()
    post.receive(thread.address, answer())
    assert balance(post, stored=0).lost == 1
    assert balance(post, stored=2).doubled == 1
    post.doubtful["mail"] += 1
    assert balance(post, stored=2).doubled == 0, "one that was never answered for may have been taken after all"


def test_an_answer_to_somebody_else_is_a_broken_thread() -> None:
    for stray in (
        answer(to="<other@clients.example>"),
        answer(to="", references=()),
        answer(references=("<other@clients.example>",)),
    ):
        post, thread = books()
        post.receive(thread.address, stray)
        assert balance(post).threads_broken == 1
        assert len(list(post.flaws())) == 1


def test_an_answer_to_nobody_is_counted_where_it_shows() -> None:
    post, _ = books()
    post.receive("stranger@clients.example", answer())
    assert balance(post).threads_broken == 1
    assert balance(post).lost == 1


def test_a_reply_that_lands_in_another_case_breaks_the_thread() -> None:
    post, thread = books()
    post.receive(thread.address, answer())
    post.say(OTHER, "mail", "c2")
    post.receive(thread.address, answer("<second@shop.example>", OTHER))
    assert balance(post, c1="case", c2="case").threads_broken == 0
    assert balance(post, c1="case", c2="elsewhere").threads_broken == 1


def test_two_matters_in_one_case_are_both_broken() -> None:
    post, thread = books()
    other = post.begin("mail", "bram@clients.example")
    other.sent.append("<other@clients.example>")
    post.receive(thread.address, answer())
    post.say(OTHER, "mail", "c2")
    post.receive(other.address, answer("<second@shop.example>", OTHER, "<other@clients.example>", ("<other@clients.example>",)))
    assert balance(post, c1="case", c2="case").threads_broken == 2


def test_a_form_has_no_mail_to_refer_to_until_its_customer_writes_one() -> None:
    post, thread = books("form")
    post.receive(thread.address, answer(to="", references=()))
    assert balance(post, "form") == FOUND


async def test_a_customer_waits_for_the_next_answer_and_not_for_ever() -> None:
    post, thread = books()
    assert await thread.answered(0.01) is None
    post.receive(thread.address, answer())
    assert await thread.answered(1.0) == answer()
    assert await thread.answered(0.01) is None
