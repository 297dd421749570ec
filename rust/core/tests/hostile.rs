//! Commits and snapshots that no engine wrote: what they claim cannot be, and is refused before it does harm.
#![allow(clippy::unwrap_used)]

mod plain;

use cordboard_core::words::{
    Accepted, AgentChannel, AgentRegistered, Commit, Consumed, ContactAbandoned, ContactEnded, ContactQueued, ContactReprioritised,
    ContactState, DeadlinesShifted, Digest, EndReason, Entry, Event, Fact, Id, Input, Key, LevelAdopted, Membership, OfferCause,
    OfferMade, PolicyAdopted, Presence, PresenceRequested, PriorityCause, Refused, Requirement, Role, RouterSteppedDown,
    RouterTookOver, Skill, CAUSE_CONTROL, INPUT_TAG,
};
use cordboard_core::{codec, FrameRef, Router, LEVEL};
use plain::name;

const START_MS: u64 = 1_750_000_000_000;
const INBOX: Id = Id([1; 16]);
const ONE: Id = Id([3; 16]);
const OTHER: Id = Id([4; 16]);
const AGENT: Id = Id([6; 16]);

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
        level: LEVEL,
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
    let took_over = RouterTookOver { at_ms: START_MS, epoch: 9, inbox_id: INBOX, incarnation: None, level_max: 0 };
    assert_eq!(refusal(vec![entry(None, took_over)]), "commit 3: epoch 9 begins where 2 should");
}

#[test]
fn levels_rise_one_after_the_other_and_none_is_skipped() {
    let adopted = |level| entry(None, LevelAdopted { at_ms: START_MS, level });
    assert_eq!(refusal(vec![adopted(LEVEL)]), format!("commit 3: level {LEVEL} is adopted where {LEVEL} is in force"));
    assert_eq!(
        refusal(vec![adopted(LEVEL + 1)]),
        format!("commit 3: is of level {}, and this engine knows levels 1 to {LEVEL}", LEVEL + 1)
    );
}

#[test]
fn an_epoch_ends_once_and_only_a_take_over_follows() {
    let stepped_down = |epoch| entry(None, RouterSteppedDown { at_ms: START_MS, epoch });
    assert_eq!(refusal(vec![stepped_down(7)]), "commit 3: epoch 7 ends where 1 should");
    let not_alone = "commit 3: holds more than the beginning or the end of an epoch";
    assert_eq!(refusal(vec![stepped_down(1), queued(OTHER, 2)]), not_alone);
    assert_eq!(refusal(vec![queued(OTHER, 2), stepped_down(1)]), not_alone);
    let mut router = site();
    router.apply(&next(&router, vec![stepped_down(1)])).unwrap();
    assert!(router.position().stepped_down);
    let late = "commit 4: is decided in an epoch whose router stepped down";
    for entries in [vec![], vec![queued(OTHER, 2)], vec![stepped_down(1)]] {
        let commit = next(&router, entries);
        assert_eq!(router.apply(&commit).unwrap_err().to_string(), late);
        assert_eq!(router.redecide(&commit).unwrap_err().to_string(), late);
    }
    let mut restored = Router::restore(&router.snapshot()).unwrap();
    assert_eq!(restored.position(), router.position());
    let commit = restored.take_over(INBOX.0, START_MS).unwrap();
    router.apply(&commit).unwrap();
    assert!(!router.position().stepped_down);
    assert_eq!(router.state_hash(), restored.state_hash());
}

#[test]
fn who_does_not_lead_cannot_step_down() {
    let mut router = site();
    assert_eq!(router.step_down(START_MS).unwrap_err().to_string(), "protocol: only a router that took over steps down");
    router.take_over(INBOX.0, START_MS).unwrap();
    router.step_down(START_MS).unwrap();
    assert!(router.step(&[], START_MS).is_err(), "nothing is decided any more");
    assert!(router.step_down(START_MS).is_err(), "an epoch ends once");
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

/// What a site has of which no snapshot should claim more: one of each kind, every number told from all others.
fn folded() -> Router {
    let mut router = site();
    let about = |event: AgentRegistered| Entry { agent: Some(AGENT), ..entry(None, event) };
    let channel = AgentChannel { channel: name("chat"), cost: Some(7_001), max_concurrent: Some(701) };
    let agent = AgentRegistered {
        at_ms: START_MS,
        skills: vec![Skill { skill: name("nl"), level: 9 }],
        memberships: vec![Membership { queue: name("orders"), rank: 98 }],
        channels: vec![channel],
        capacity: 8_001,
    };
    let need = Requirement { skill: name("en"), level: 8, hard: true };
    let contact = ContactQueued { visit: 700_001, wishes: vec![need], priority: 99, transfers: 70_001, ..visit(70_002) };
    let gone = ContactQueued { customer: Some(Id([7; 16])), ..visit(70_003) };
    let ended = ContactEnded {
        at_ms: START_MS,
        reason: EndReason::Abandoned,
        state: ContactState::Queued,
        successor: None,
        kept_until_ms: Some(START_MS + 60_000),
    };
    let entries = vec![about(agent), entry(Some(OTHER), contact), entry(Some(Id([5; 16])), gone), entry(Some(Id([5; 16])), ended)];
    let commit = next(&router, entries);
    router.apply(&commit).unwrap();
    router
}

fn packed(value: &impl serde::Serialize) -> Vec<u8> {
    rmp_serde::to_vec(value).unwrap()
}

/// Why the snapshot is refused in which this stands for that.
fn unbelieved(snapshot: &[u8], that: &[u8], this: &[u8]) -> String {
    let at: Vec<usize> = (0..snapshot.len()).filter(|at| snapshot[*at..].starts_with(that)).collect();
    assert_eq!(at.len(), 1, "{that:02x?}");
    let changed = [&snapshot[..at[0]], this, &snapshot[at[0] + that.len()..]].concat();
    Router::restore(&changed).unwrap_err().to_string()
}

#[test]
fn a_snapshot_has_no_two_contacts_with_one_place() {
    let snapshot = folded().snapshot();
    assert!(Router::restore(&snapshot).is_ok());
    let twice = |number: u8, seq: u64| format!("snapshot: contact {} has the place {seq} of another", hex(number));
    assert_eq!(unbelieved(&snapshot, &packed(&key(70_002)), &packed(&key(1))), twice(4, 1));
    assert_eq!(unbelieved(&snapshot, &packed(&key(70_003)), &packed(&key(70_002))), twice(5, 70_002), "nor one that is kept");
}

#[test]
fn a_snapshot_counts_no_further_than_words_do() {
    let snapshot = folded().snapshot();
    let of = |who: &str, what: &str| format!("snapshot: {who} has {what}, which is beyond all bounds");
    let (contact, agent) = (format!("contact {}", hex(4)), format!("agent {}", hex(6)));
    let refused = |that: Vec<u8>, this: Vec<u8>| unbelieved(&snapshot, &that, &this);
    assert_eq!(refused(packed(&700_001), packed(&1_000_001)), of(&contact, "visit 1000001"));
    assert_eq!(refused(packed(&70_001), packed(&(1_u64 << 53))), of(&contact, "transfers 9007199254740992"));
    let (late, klass) = (Key { seq: 70_004, ..key(1) }, Key { klass: 4, ..key(70_002) });
    assert_eq!(refused(packed(&key(70_002)), packed(&late)), of(&contact, "arrival 70004"));
    assert_eq!(refused(packed(&key(70_002)), packed(&klass)), of(&contact, "class 4"));
    let need = |level| packed(&Requirement { skill: name("en"), level, hard: true });
    assert_eq!(refused(need(8), need(11)), of(&contact, "level 11"));
    assert_eq!(refused(need(8), need(0)), of(&contact, "level 0"));
    assert_eq!(refused(packed(&("nl", 9))[1..].to_vec(), packed(&("nl", 11))[1..].to_vec()), of(&agent, "level 11"));
    assert_eq!(refused(packed(&("orders", 98))[1..].to_vec(), packed(&("orders", 100))[1..].to_vec()), of(&agent, "rank 100"));
    assert_eq!(refused(packed(&7_001), packed(&10_001)), of(&agent, "cost 10001"));
    assert_eq!(refused(packed(&701), packed(&1_001)), of(&agent, "limit of contacts 1001"));
    assert_eq!(refused(packed(&8_001), packed(&10_001)), of(&agent, "capacity 10001"));
    let kept = Key { klass: 9, ..key(70_003) };
    let place = format!("the place of customer {}", hex(7));
    assert_eq!(refused(packed(&key(70_003)), packed(&kept)), of(&place, "class 9"));
}

/// An offer in a site that has no policy: nobody can say what its end means.
#[test]
fn a_deadline_that_nothing_follows_from_ends_the_router_and_not_the_time() {
    let mut router = folded();
    let offer = OfferMade {
        at_ms: START_MS,
        attempt: 1,
        queue: name("orders"),
        expires_ms: START_MS + 3_000,
        cost: 10,
        rank: 0,
        cause: OfferCause::Routed,
        wait_ms: 0,
        key: None,
        why: None,
        direct: None,
        role: Role::Primary,
        interrupts: false,
    };
    let commit = next(&router, vec![Entry { agent: Some(AGENT), ..entry(Some(ONE), offer) }]);
    router.apply(&commit).unwrap();
    let restored = Router::restore(&router.snapshot()).unwrap();
    gets_stuck(restored);
    gets_stuck(router);
}

fn gets_stuck(mut router: Router) {
    router.take_over(INBOX.0, START_MS).unwrap();
    assert!(router.step(&[], START_MS + 1_500).is_ok());
    let due = "has a deadline at 1750000003000 that nothing follows from: Short(Offer { contact: ";
    let stuck = router.step(&[], START_MS + 3_000).unwrap_err().to_string();
    assert!(stuck.starts_with(&format!("state after commit 6: {due}{}", hex(3))), "{stuck}");
    let again = router.step(&[], START_MS + 3_001).unwrap_err().to_string();
    assert_eq!(again, stuck, "it refuses everything");
}

/// Facts' requirements are merged; a journal that says one twice asks for the higher level.
#[test]
fn who_needs_a_skill_twice_needs_the_higher_level() {
    for (level, offers) in [(4, 0), (5, 1)] {
        let mut router = Router::new("default").unwrap();
        router.take_over(INBOX.0, START_MS).unwrap();
        let policy = plain::policy(1, vec!["nl".to_owned()], vec![plain::channel("chat")], vec![plain::queue("orders")]);
        let adopted = PolicyAdopted { at_ms: START_MS, version: 1, digest: Digest([0; 32]), policy };
        let need = |level| Requirement { skill: name("nl"), level, hard: true };
        let needs = vec![need(5), need(3), need(5)];
        let registered = AgentRegistered {
            at_ms: START_MS,
            skills: vec![Skill { skill: name("nl"), level }],
            memberships: vec![Membership { queue: name("orders"), rank: 0 }],
            channels: vec![AgentChannel { channel: name("chat"), cost: Some(1), max_concurrent: Some(1) }],
            capacity: 1,
        };
        let entries = vec![
            entry(None, adopted),
            entry(Some(ONE), ContactQueued { requirements: needs, ..visit(1) }),
            Entry { agent: Some(AGENT), ..entry(None, registered) },
        ];
        let commit = next(&router, entries);
        router.apply(&commit).unwrap();
        router.take_over(INBOX.0, START_MS).unwrap();
        let ready = PresenceRequested { fact_id: OTHER, agent: AGENT, presence: Presence::Ready, reason: None };
        let data = plain::frame(&[codec::encode_fact(&ready.into())]);
        let commits = router.step(&[FrameRef { inbox_seq: 1, stored_ms: START_MS, data: &data }], START_MS).unwrap();
        let entries = commits.iter().flat_map(|commit| codec::decode_commit(commit).unwrap().entries);
        let events = entries.filter(|entry| entry.tag != INPUT_TAG).map(|entry| codec::decode_event(&entry.body).unwrap());
        assert_eq!(events.filter(|event| matches!(event, Event::OfferMade(_))).count(), offers, "at level {level}");
        assert_eq!(router.check(), Vec::<String>::new());
    }
}
