//! Bytes as a history: a policy, then turns of facts and time. Every commit is folded and decided again, and what must hold holds.

use cordboard_core::words::{Event, Fact, PolicyPublished, INPUT_TAG};
use cordboard_core::{codec, FrameRef, Router};

use super::bytes::Draw;
use super::facts::{fact, Heard, AGENTS};
use super::site::{id, policy, SITE};

pub(crate) const START_MS: u64 = 1_750_000_000_000;
const INBOX: [u8; 16] = [1; 16];
/// A longer history finds nothing that a shorter one does not, and takes the fuzzer's time.
const TURNS_MAX: usize = 120;
const PASSING_MS: [u64; 12] = [0, 0, 0, 1, 500, 1_000, 2_001, 5_000, 10_000, 30_000, 60_000, 3_600_000];

pub(crate) fn run(data: &[u8]) {
    let mut draw = Draw::new(data);
    let mut telling = Telling::new();
    telling.publish(&mut draw);
    for _ in 0..TURNS_MAX {
        if draw.is_done() {
            break;
        }
        telling.turn(&mut draw);
    }
}

/// A router, one that folds what it says, and one that decides it again.
pub(crate) struct Telling {
    leader: Router,
    follower: Router,
    judge: Router,
    pub(crate) journal: Vec<Vec<u8>>,
    heard: Heard,
    at_ms: u64,
    inbox_seq: u64,
    facts: u64,
    version: u64,
}

impl Telling {
    pub(crate) fn new() -> Self {
        let router = || Router::new(SITE).unwrap();
        let mut telling = Self {
            leader: router(),
            follower: router(),
            judge: router(),
            journal: Vec::new(),
            heard: Heard::default(),
            at_ms: START_MS,
            inbox_seq: 0,
            facts: 0,
            version: 0,
        };
        telling.take_over();
        telling
    }

    /// A site at work whose history is always the same.
    pub(crate) fn begun() -> &'static Router {
        use std::sync::OnceLock;
        static BEGUN: OnceLock<Router> = OnceLock::new();
        BEGUN.get_or_init(|| {
            let noise = super::bytes::noise(1, 800);
            let (mut telling, mut draw) = (Self::new(), Draw::new(&noise));
            telling.publish(&mut draw);
            while !draw.is_done() {
                telling.turn(&mut draw);
            }
            telling.leader
        })
    }

    /// The site's policy, and agents who are there.
    pub(crate) fn publish(&mut self, draw: &mut Draw<'_>) {
        let policy = self.policy(draw);
        self.say(&[policy], 0);
        for number in 0..AGENTS {
            let fact_id = self.fact_id();
            let agent = id(2, number);
            let declared = super::site::standard_agent(fact_id, agent);
            let fact_id = self.fact_id();
            self.say(&[declared, super::site::ready(fact_id, agent)], 0);
        }
    }

    /// Time passes, and up to three facts come in a frame each or all in one.
    pub(crate) fn turn(&mut self, draw: &mut Draw<'_>) {
        let head = draw.byte();
        self.pass(usize::from(head & 15));
        let facts: Vec<Fact> = (0..head >> 4 & 3).map(|_| self.fact(draw)).collect();
        let late_ms = if head & 64 == 0 { 0 } else { 700 };
        if facts.is_empty() || head & 128 == 0 {
            self.say(&facts, late_ms);
        } else {
            for fact in facts {
                self.say(&[fact], late_ms);
            }
        }
        match draw.byte() {
            250 => {
                let policy = self.policy(draw);
                self.say(&[policy], 0);
            }
            251 => self.restart(),
            _ => {}
        }
    }

    /// A choice of how much, or until the router wants to be woken.
    fn pass(&mut self, choice: usize) {
        let due_ms = self.leader.next_deadline().unwrap_or(self.at_ms).max(self.at_ms);
        self.at_ms = match PASSING_MS.get(choice) {
            Some(passed_ms) => self.at_ms + passed_ms,
            // Not for ever: what is due years from now is not waited for.
            None => due_ms.min(self.at_ms + 86_400_000),
        };
    }

    fn fact_id(&mut self) -> cordboard_core::words::Id {
        self.facts += 1;
        id(9, self.facts)
    }

    fn fact(&mut self, draw: &mut Draw<'_>) -> Fact {
        let fact_id = self.fact_id();
        self.heard.now_ms = self.at_ms;
        fact(draw, &self.heard, fact_id)
    }

    fn policy(&mut self, draw: &mut Draw<'_>) -> Fact {
        self.version += 1;
        let policy = codec::encode_policy(&policy(draw, self.version));
        PolicyPublished { fact_id: self.fact_id(), policy }.into()
    }

    /// The facts in one frame, decided; nothing is left to do then.
    fn say(&mut self, facts: &[Fact], late_ms: u64) {
        let bytes: Vec<Vec<u8>> = facts.iter().map(codec::encode_fact).collect();
        let data = frame(&bytes);
        let frames: Vec<FrameRef<'_>> = if facts.is_empty() {
            Vec::new()
        } else {
            self.inbox_seq += 1;
            vec![FrameRef { inbox_seq: self.inbox_seq, stored_ms: self.at_ms - late_ms, data: &data }]
        };
        let commits = self.leader.step(&frames, self.at_ms).unwrap();
        for commit in &commits {
            self.record(commit);
        }
        assert_eq!(self.leader.check(), Vec::<String>::new());
        assert!(self.leader.next_deadline().is_none_or(|due_ms| due_ms > self.at_ms), "it would be woken at once");
        assert_eq!(self.leader.step(&[], self.at_ms).unwrap(), Vec::<Vec<u8>>::new(), "something was left to do");
    }

    fn record(&mut self, commit: &[u8]) {
        self.follower.apply(commit).unwrap();
        assert_eq!(self.judge.redecide(commit).as_deref(), Ok(commit), "decided otherwise");
        let header = codec::decode_commit(commit).unwrap();
        assert_eq!(codec::encode_commit(&header), commit, "a commit has one spelling");
        for (place, entry) in (0..).zip(&header.entries).filter(|(_, entry)| entry.tag != INPUT_TAG) {
            match (codec::decode_event(&entry.body).unwrap(), entry.contact, entry.agent) {
                (Event::OfferMade(offer), Some(contact), Some(agent)) => {
                    self.heard.offers.retain(|(other, ..)| *other != contact);
                    self.heard.offers.push((contact, offer.attempt, agent));
                }
                (Event::EffectRequested(_), ..) => self.heard.effects.push((header.seq, place)),
                _ => {}
            }
        }
        cordboard_core::render(commit).unwrap();
        self.journal.push(commit.to_vec());
        if self.leader.position().seq == header.seq {
            assert_eq!(self.follower.state_hash(), self.leader.state_hash(), "the fold stands elsewhere");
            assert_eq!(self.follower.position(), self.leader.position());
        }
    }

    /// From a snapshot, which must hold everything; and every waiting contact is explained.
    fn restart(&mut self) {
        let restored = Router::restore(&self.leader.snapshot()).unwrap();
        assert_eq!(restored.state_hash(), self.leader.state_hash());
        assert_eq!(restored.next_deadline(), self.leader.next_deadline());
        self.leader = restored;
        for number in 0..10 {
            self.leader.explain_contact(id(3, number).0, 3, u64::MAX);
            self.leader.explain_agent(id(2, number).0, 3, u64::MAX);
        }
        self.take_over();
    }

    fn take_over(&mut self) {
        let commit = self.leader.take_over(INBOX, self.at_ms).unwrap();
        self.record(&commit);
    }
}

/// As a gateway writes it.
fn frame(facts: &[Vec<u8>]) -> Vec<u8> {
    let fact = |fact: &Vec<u8>| [b"\xc5".as_slice(), &u16::try_from(fact.len()).unwrap().to_be_bytes(), fact].concat();
    super::bytes::array(&facts.iter().map(fact).collect::<Vec<_>>())
}
