//! Commits and snapshots that no engine wrote: what they claim cannot be, and is refused before it does harm.
#![allow(clippy::unwrap_used)]

use cordboard_core::words::{
    Accepted, Commit, Consumed, ContactAbandoned, ContactQueued, ContactReprioritised, DeadlinesShifted, Digest, Entry, Event,
    Fact, Id, Input, Key, Name, PriorityCause, Refused, RouterTookOver, CAUSE_CONTROL, INPUT_TAG,
};
use cordboard_core::{codec, FrameRef, Router};

const START_MS: u64 = 1_750_000_000_000;
const INBOX: Id = Id([1; 16]);
const ONE: Id = Id([3; 16]);
const OTHER: Id = Id([4; 16]);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A site with one contact, folded from a journal of two commits.
fn site() -> Router {
    let mut router = Router::new("default").unwrap();
    router.take_over(INBOX.0, START_MS).unwrap();
    let commit = next(&router, vec![queued(ONE, 1)]);
    router.apply(&commit).unwrap();
    router
}

/// The next commit, with these entries.
fn next(router: &Router, entries: Vec<Entry>) -> Vec<u8> {
    codec::encode_commit(&header(router, entries))
}

fn header(router: &Router, entries: Vec<Entry>) -> Commit {
    let position = router.position();
    Commit {
        v: 1,
        site: name("default"),
        epoch: position.epoch,
        seq: position.seq + 1,
        level: 2,
        policy: 0,
        at_ms: position.at_ms,
        prev_hash: Digest(position.hash),
        consumed: Consumed { inbox_id: INBOX, inbox_seq: position.inbox_seq, facts_done: position.facts_done },
        continued: false,
        entries,
        state_hash: None,
    }
}

fn entry(contact: Option<Id>, event: impl Into<Event>) -> Entry {
    let event = event.into();
    let channel = contact.map(|_| name("chat"));
    Entry { tag: event.tag(), contact, agent: None, channel, cause: CAUSE_CONTROL, body: codec::encode_event(&event) }
}

fn queued(contact: Id, seq: u64) -> Entry {
    entry(Some(contact), visit(seq))
}

fn visit(seq: u64) -> ContactQueued {
    ContactQueued {
        at_ms: START_MS,
        visit: 1,
        queue: name("orders"),
        key: key(seq),
        queued_at_ms: START_MS,
        target_ms: 60_000,
        requirements: Vec::new(),
        priority: 0,
        customer: None,
        preferred: Vec::new(),
        prefer_until_ms: 0,
        excluded: None,
        entry_point: None,
        topic: None,
        wishes: Vec::new(),
        case: None,
        rule: None,
        language: None,
        accepts: Vec::new(),
        opens_ms: Vec::new(),
        step: 0,
        step_at_ms: None,
        threshold: 0,
        threshold_at_ms: None,
        promote_at_ms: None,
        drain_at_ms: None,
        transfers: 0,
        back: None,
        resumes: None,
        matter: None,
    }
}

fn key(seq: u64) -> Key {
    Key { klass: 2, order_ms: 1_750_000_060_000, seq }
}

/// Why the router does not fold it.
fn refusal(entries: Vec<Entry>) -> String {
    let mut router = site();
    let commit = next(&router, entries);
    router.apply(&commit).unwrap_err().to_string()
}

#[test]
fn the_second_contact_is_behind_the_first() {
    let mut router = site();
    let commit = next(&router, vec![queued(OTHER, 2), queued(OTHER, 2)]);
    router.apply(&commit).unwrap();
    assert_eq!(router.check(), Vec::<String>::new());
}

#[test]
fn no_two_contacts_have_one_place() {
    let another =
        |number: u8, seq: u64| format!("commit 3: contact {} arrives at the place {seq}, which is another's", hex(number));
    assert_eq!(refusal(vec![queued(OTHER, 1)]), another(4, 1));
    assert_eq!(refusal(vec![queued(ONE, 2)]), another(3, 2));
    let resumed = ContactQueued { resumes: Some(ONE), customer: Some(Id([5; 16])), ..visit(1) };
    assert_eq!(refusal(vec![entry(Some(OTHER), resumed)]), another(4, 1));
    let stranger = ContactQueued { resumes: Some(ONE), ..visit(2) };
    assert_eq!(refusal(vec![entry(Some(OTHER), stranger)]), another(4, 2));
    let reprioritised = ContactReprioritised { at_ms: START_MS, priority: 1, key: key(7), cause: PriorityCause::Requested };
    let refused = refusal(vec![entry(Some(ONE), reprioritised)]);
    assert_eq!(refused, format!("commit 3: contact {} gets the place 7 of another", hex(3)));
}

fn hex(number: u8) -> String {
    format!("{number:02x}").repeat(16)
}

#[test]
fn epochs_follow_each_other() {
    let took_over = RouterTookOver { at_ms: START_MS, epoch: 9, inbox_id: INBOX };
    assert_eq!(refusal(vec![entry(None, took_over)]), "commit 3: epoch 9 begins where 2 should");
}

#[test]
fn deadlines_move_by_no_more_than_the_silence() {
    let shifted = DeadlinesShifted { at_ms: START_MS, gap_ms: 5_000 };
    assert_eq!(refusal(vec![entry(None, shifted)]), "commit 3: deadlines move by 5000 ms after 0 ms of silence");
}

#[test]
fn no_frame_has_so_many_facts() {
    let fact = codec::encode_fact(&Fact::from(ContactAbandoned { fact_id: ONE, contact: ONE }));
    let input = |index: u64, verdict| {
        let input = Input { inbox_seq: 1, index, stored_ms: START_MS, fact: fact.clone(), verdict };
        Entry { tag: INPUT_TAG, contact: None, agent: None, channel: None, cause: 0, body: codec::encode_input(&input) }
    };
    let refused = Refused { reason: name("contact_gone") };
    let mut router = site();
    let commit = next(&router, vec![input(1_023, refused.into())]);
    assert_eq!(router.apply(&commit), Ok(()));
    for index in [1_024, (1 << 53) - 1] {
        let why = refusal(vec![input(index, Accepted {}.into())]);
        assert_eq!(why, format!("commit 3: holds fact {index} of a frame, which no frame has"));
    }
}

#[test]
fn no_commit_is_of_the_end_of_time() {
    let mut router = site();
    let late = Commit { at_ms: 1 << 48, ..header(&router, Vec::new()) };
    let refused = router.apply(&codec::encode_commit(&late)).unwrap_err().to_string();
    assert_eq!(refused, "commit 3: is of 281474976710656, which is no time in milliseconds");
    assert_eq!(router.apply(&next(&router, Vec::new())), Ok(()), "nothing was changed");
}

#[test]
fn a_snapshot_holds_no_number_beyond_all_bounds() {
    let snapshot = site().snapshot();
    let start = [b"\xcf".as_slice(), &START_MS.to_be_bytes()].concat();
    let at = snapshot.windows(start.len()).position(|bytes| bytes == start).unwrap();
    for (number, restored) in [(START_MS + 1, true), (1 << 63, false), (u64::MAX, false)] {
        let mut changed = snapshot.clone();
        changed[at + 1..at + 9].copy_from_slice(&u64::to_be_bytes(number));
        assert_eq!(Router::restore(&changed).is_ok(), restored, "{number}");
    }
    assert!(Router::restore(&[snapshot.as_slice(), b"\xc0"].concat()).is_err(), "and nothing behind it");
}

/// A leader and its journal: the take-over, and three frames of one fact that is none.
fn led() -> (Router, Vec<Vec<u8>>) {
    let mut leader = Router::new("default").unwrap();
    let mut journal = vec![leader.take_over(INBOX.0, START_MS).unwrap()];
    for inbox_seq in 1..=3 {
        let frame = FrameRef { inbox_seq, stored_ms: START_MS, data: b"\x91\xc4\x01\xc0" };
        journal.extend(leader.step(&[frame], START_MS + inbox_seq).unwrap());
    }
    (leader, journal)
}

#[test]
fn after_a_forged_commit_it_goes_on_from_what_was_recorded() {
    let (_, journal) = led();
    let (genuine, before) = journal.split_last().unwrap();
    let (mut judge, mut follower) = (Router::new("default").unwrap(), Router::new("default").unwrap());
    for commit in before {
        assert_eq!(judge.redecide(commit).as_ref(), Ok(commit));
        follower.apply(commit).unwrap();
    }
    let mut forged = codec::decode_commit(genuine).unwrap();
    forged.continued = true;
    let forged = codec::encode_commit(&forged);
    assert_eq!(judge.redecide(&forged).as_ref(), Ok(genuine), "what should have been decided");
    follower.apply(&forged).unwrap();
    assert_eq!((judge.state_hash(), judge.position()), (follower.state_hash(), follower.position()));
}

#[test]
fn who_asks_out_of_turn_is_told_so() {
    let why = |error: cordboard_core::Error| error.to_string();
    assert_eq!(why(Router::new("No Site").unwrap_err()), "protocol: \"No Site\" cannot be the name of a site");
    let mut follower = site();
    assert_eq!(why(follower.step(&[], START_MS).unwrap_err()), "protocol: only a router that took over decides");
    let (mut leader, _) = led();
    let past = why(leader.step(&[], START_MS).unwrap_err());
    assert_eq!(past, format!("protocol: time runs back from {} to {START_MS}", START_MS + 3));
    let frame = |inbox_seq: u64| FrameRef { inbox_seq, stored_ms: START_MS, data: b"" };
    let crossed = why(leader.step(&[frame(8), frame(7)], START_MS + 3).unwrap_err());
    assert_eq!(crossed, "protocol: frame 7 comes after frame 8");
}
