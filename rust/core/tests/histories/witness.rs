//! A router and those who watch it: one folds its journal, one decides it again, twins go on from a snapshot.

use cordboard_core::words::{Commit, Entry, Fact, Id, Verdict, COMMIT_MAX, INPUT_TAG};
use cordboard_core::{codec, commit_hash, FrameRef, Router};

use crate::doors::Doors;
use crate::ledger::Ledger;
use crate::site::{id, SITE};
use crate::transcript::{apart, event, input, read, regrouped, stored, transcript, Content, Frame, Stored};
use crate::wishes::{After, Body, Incident, Step};

pub(crate) const START_MS: u64 = 1_750_000_000_000;

pub(crate) struct Witness {
    leader: Router,
    /// Folds every commit.
    follower: Router,
    /// Decides every commit again.
    judge: Router,
    /// Restored from a snapshot, and folded from the journal; they took over at the same moment and decide for themselves.
    twins: Option<[Box<Router>; 2]>,
    /// The last commit that the twins' journals have in common with this one.
    parted_seq: u64,
    pub(crate) journal: Vec<Vec<u8>>,
    ledger: Ledger,
    doors: Doors,
    inbox: Id,
    inbox_seq: u64,
    at_ms: u64,
}

impl Witness {
    pub(crate) fn new() -> Self {
        let router = || Router::new(SITE).unwrap();
        let mut witness = Self {
            leader: router(),
            follower: router(),
            judge: router(),
            twins: None,
            parted_seq: 0,
            journal: Vec::new(),
            ledger: Ledger::default(),
            doors: Doors::default(),
            inbox: id(1, 1),
            inbox_seq: 0,
            at_ms: START_MS,
        };
        witness.take_over(0);
        witness
    }

    /// One turn, seen from every side.
    pub(crate) fn run(&mut self, step: &Step) {
        self.pass(step.after);
        let frames: Vec<Frame> = step
            .frames
            .iter()
            .map(|sent| Frame {
                stored_ms: self.at_ms.saturating_add_signed(-sent.late_ms),
                content: match &sent.body {
                    Body::Facts(wishes) => Content::Facts(wishes.iter().map(|wish| self.ledger.say(wish)).collect()),
                    Body::Garbage(bytes) => Content::Garbage(bytes.clone()),
                },
            })
            .collect();
        if frames.iter().any(|frame| self.names_a_later_effect(frame)) {
            self.twins = None;
        }
        let before = self.leader.snapshot();
        let due_before_ms = self.leader.next_deadline();
        let commits = self.turn(&frames);
        let said = transcript(&commits);
        if step.cuts.is_multiple_of(2) {
            assert_eq!(said, self.told(&before, &[regrouped(&frames, step.cuts)]), "in other frames");
        }
        let on_time = frames.iter().all(|frame| frame.stored_ms >= self.at_ms) && due_before_ms.is_none_or(|due| due > self.at_ms);
        if on_time && !step.cuts.is_multiple_of(2) {
            let turns: Vec<Vec<Frame>> = apart(&frames).into_iter().map(|frame| vec![frame]).collect();
            assert_eq!(said, self.told(&before, &turns), "in turns of one fact");
        }
        if step.cuts.is_multiple_of(3) {
            self.repeat(&frames);
        }
        match step.incident {
            Incident::Nothing => {}
            Incident::Twin => self.begin_twins(),
            Incident::TakeOver { folded, later_ms } => {
                // Whoever stood by has folded all; whoever begins anew comes after a crash.
                if folded {
                    let commit = self.leader.step_down(self.at_ms).unwrap();
                    self.record(&[commit]);
                    assert!(self.leader.step(&[], self.at_ms).is_err(), "a router that stepped down decides");
                }
                self.leader = if folded { self.folded() } else { restored(&self.leader) };
                self.take_over(later_ms);
            }
            Incident::NewInbox => {
                self.inbox = id(1, self.journal.len() as u64);
                self.inbox_seq = 0;
                self.twins = None;
                self.take_over(0);
            }
        }
    }

    fn pass(&mut self, after: After) {
        match after {
            After::Ms(passed_ms) => self.at_ms += passed_ms,
            After::Woken(off_ms) => {
                let due_ms = self.leader.next_deadline().unwrap_or(self.at_ms);
                self.at_ms = due_ms.saturating_add_signed(off_ms).max(self.at_ms);
            }
            After::Awake(passed_ms) => {
                let until_ms = self.at_ms + passed_ms;
                while let Some(due_ms) = self.leader.next_deadline().filter(|due_ms| *due_ms < until_ms) {
                    self.at_ms = due_ms.max(self.at_ms);
                    self.turn(&[]);
                }
                self.at_ms = until_ms;
            }
        }
    }

    /// Decide, and have everybody look at it.
    fn turn(&mut self, frames: &[Frame]) -> Vec<Vec<u8>> {
        let inbox = stored(frames, self.inbox_seq + 1);
        let commits = decide(&mut self.leader, &inbox, self.at_ms);
        self.inbox_seq += inbox.len() as u64;
        self.record(&commits);
        if !inbox.is_empty() {
            let stands = self.leader.position();
            assert_eq!(stands.inbox_seq, self.inbox_seq, "every frame is consumed");
        }
        self.is_quiet(&inbox);
        self.follow_twins(&inbox, &commits);
        commits
    }

    /// Fold and decide again what the leader has made, and compare.
    fn record(&mut self, commits: &[Vec<u8>]) {
        for commit in commits {
            let header = read(commit);
            self.check_header(&header, commit);
            assert_eq!(self.judge.redecide(commit).as_deref(), Ok(commit.as_slice()), "decided again");
            self.follower.apply(commit).unwrap();
            assert_eq!(self.follower.state_hash(), self.judge.state_hash(), "the fold and the second decision part");
            for (place, entry) in header.entries.iter().enumerate() {
                self.check_entry(&header, place, entry);
                if entry.tag != INPUT_TAG {
                    let event = event(entry);
                    self.ledger.note((header.seq, place as u64), entry, &event);
                    self.doors.note(&event);
                }
            }
            self.doors.passed(header.at_ms);
            self.journal.push(commit.clone());
        }
        for other in [&self.follower, &self.judge] {
            assert_eq!(other.state_hash(), self.leader.state_hash());
            assert_eq!(other.position(), self.leader.position());
            assert_eq!(other.next_deadline(), self.leader.next_deadline());
            assert_eq!(other.check(), Vec::<String>::new());
        }
        assert_eq!(self.leader.check(), Vec::<String>::new());
    }

    fn check_header(&self, header: &Commit, bytes: &[u8]) {
        let last_hash = self.journal.last().map_or([0; 32], |last| commit_hash(last));
        assert_eq!((header.seq, header.prev_hash.0), (self.journal.len() as u64 + 1, last_hash));
        assert_eq!(header.at_ms, self.at_ms);
        assert!(bytes.len() <= COMMIT_MAX);
        assert_eq!(codec::encode_commit(header), bytes, "a commit has one spelling");
        assert_eq!(header.state_hash.is_some(), header.seq.is_multiple_of(1_000));
    }

    fn check_entry(&self, header: &Commit, place: usize, entry: &Entry) {
        if let Ok(cause) = usize::try_from(entry.cause) {
            assert!(cause <= place && header.entries[cause].tag == INPUT_TAG, "an entry is caused by an input before it");
        }
        if entry.tag == INPUT_TAG {
            assert_eq!(usize::try_from(entry.cause), Ok(place));
            self.check_verdict(header, place, entry);
        }
    }

    /// A duplicate names the entry that had the verdict, and causes nothing; nor does a refused or unreadable fact.
    fn check_verdict(&self, header: &Commit, place: usize, entry: &Entry) {
        let verdicted = input(entry);
        let fact_id = |bytes: &[u8]| codec::decode_fact(bytes).ok().map(|fact| fact.fact_id());
        match &verdicted.verdict {
            Verdict::Accepted(_) => return,
            Verdict::Refused(_) => {}
            Verdict::Quarantined(_) => assert!(verdicted.fact.is_empty()),
            Verdict::Duplicate(duplicate) => {
                let index = usize::try_from(duplicate.first_seq - 1).unwrap();
                let commit = self.journal.get(index).map_or_else(|| header.clone(), |bytes| read(bytes));
                assert_eq!(commit.seq, duplicate.first_seq);
                let first = input(&commit.entries[usize::try_from(duplicate.first_entry).unwrap()]);
                assert_eq!(fact_id(&first.fact), fact_id(&verdicted.fact));
                assert!(matches!(first.verdict, Verdict::Accepted(_) | Verdict::Refused(_)));
            }
        }
        let caused = header.entries.iter().skip(place + 1).any(|entry| usize::try_from(entry.cause) == Ok(place));
        assert!(!caused, "{verdicted:?} caused something");
    }

    /// After a turn nothing is left to do: not now, and not with the frames that were just done.
    fn is_quiet(&mut self, done: &[Stored]) {
        assert!(self.leader.next_deadline().is_none_or(|due_ms| due_ms > self.at_ms), "the router would be woken at once");
        assert_eq!(decide(&mut self.leader, &[], self.at_ms), Vec::<Vec<u8>>::new());
        assert_eq!(decide(&mut self.leader, done, self.at_ms), Vec::<Vec<u8>>::new());
    }

    /// What another router says that goes on from `snapshot` and gets these frames, turn by turn, at the same moment.
    fn told(&self, snapshot: &[u8], turns: &[Vec<Frame>]) -> Vec<crate::transcript::Line> {
        let mut other = Router::restore(snapshot).unwrap();
        other.take_over(self.inbox.0, self.at_ms).unwrap();
        let mut inbox_seq = other.position().inbox_seq;
        let mut commits = Vec::new();
        for frames in turns {
            let inbox = stored(frames, inbox_seq + 1);
            inbox_seq += inbox.len() as u64;
            commits.extend(decide(&mut other, &inbox, self.at_ms));
        }
        transcript(&commits)
    }

    /// The same facts once more, in a new frame: all are known, and nothing happens.
    fn repeat(&self, frames: &[Frame]) {
        let again: Vec<Vec<u8>> = apart(frames)
            .into_iter()
            .filter_map(|frame| match frame.content {
                Content::Facts(facts) => facts.into_iter().next().filter(|fact| codec::decode_fact(fact).is_ok()),
                Content::Garbage(_) => None,
            })
            .collect();
        if again.is_empty() {
            return;
        }
        let mut other = restored(&self.leader);
        other.take_over(self.inbox.0, self.at_ms).unwrap();
        let frame = Frame { stored_ms: self.at_ms, content: Content::Facts(again) };
        let commits = decide(&mut other, &stored(&[frame], self.inbox_seq + 1), self.at_ms);
        for commit in &commits {
            for entry in &read(commit).entries {
                assert_eq!(entry.tag, INPUT_TAG, "a repeated fact caused something");
                assert!(matches!(input(entry).verdict, Verdict::Duplicate(_)));
            }
        }
    }

    /// A fact about an effect that was requested since the twins have journals of their own: there it has another place.
    fn names_a_later_effect(&self, frame: &Frame) -> bool {
        let Content::Facts(facts) = &frame.content else { return false };
        facts.iter().filter_map(|fact| codec::decode_fact(fact).ok()).any(|fact| match fact {
            Fact::EffectDone(fact) => fact.seq > self.parted_seq,
            Fact::EffectFailed(fact) => fact.seq > self.parted_seq,
            Fact::EffectRetryRequested(fact) => fact.seq > self.parted_seq,
            Fact::EffectDiscardRequested(fact) => fact.seq > self.parted_seq,
            _ => false,
        })
    }

    fn begin_twins(&mut self) {
        self.parted_seq = self.journal.len() as u64;
        let mut twins = [Box::new(restored(&self.leader)), Box::new(self.folded())];
        let [one, other] = twins.each_mut().map(|twin| twin.take_over(self.inbox.0, self.at_ms).unwrap());
        assert_eq!(one, other, "a snapshot and a fold take over alike");
        self.twins = Some(twins);
    }

    fn follow_twins(&mut self, inbox: &[Stored], commits: &[Vec<u8>]) {
        let Some(twins) = &mut self.twins else { return };
        let [one, other] = twins.each_mut().map(|twin| decide(twin, inbox, self.at_ms));
        assert_eq!(one, other, "a snapshot and a fold decide alike");
        assert_eq!(transcript(&one), transcript(commits), "the twins go another way");
        for twin in twins {
            assert_eq!(twin.next_deadline(), self.leader.next_deadline());
            assert_eq!(twin.check(), Vec::<String>::new());
        }
    }

    /// A router that has read the whole journal.
    fn folded(&self) -> Router {
        fold(&self.journal)
    }

    fn take_over(&mut self, later_ms: u64) {
        self.at_ms += later_ms;
        let commit = self.leader.take_over(self.inbox.0, self.at_ms).unwrap();
        self.record(&[commit]);
    }
}

/// Folded from the journal, which it must not contradict.
pub(crate) fn fold(journal: &[Vec<u8>]) -> Router {
    let mut router = Router::new(SITE).unwrap();
    for commit in journal {
        router.apply(commit).unwrap();
    }
    router
}

/// From the snapshot, which must hold everything.
pub(crate) fn restored(router: &Router) -> Router {
    let restored = Router::restore(&router.snapshot()).unwrap();
    assert_eq!(restored.state_hash(), router.state_hash());
    assert_eq!(restored.position(), router.position());
    assert_eq!(restored.next_deadline(), router.next_deadline());
    assert_eq!(restored.check(), router.check());
    restored
}

pub(crate) fn decide(router: &mut Router, inbox: &[Stored], at_ms: u64) -> Vec<Vec<u8>> {
    let frames: Vec<FrameRef<'_>> = inbox.iter().map(Stored::frame).collect();
    router.step(&frames, at_ms).unwrap()
}
