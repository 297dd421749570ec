//! A turn under decision: the entries so far, and the one way to add to them.

use std::ops::Bound::{Excluded, Unbounded};

use crate::apply::{fact_time, About};
use crate::codec::{self, Flaw};
use crate::decide::{Came, Drain, Moment};
use crate::index::{Chance, Later, Timer};
use crate::record::Record;
use crate::rules::Rules;
use crate::site::Site;
use crate::state::Place;
use crate::words::{
    Consumed, DayTurned, DeadlinesShifted, Digest, Duplicate, Event, Fact, Id, Name, ParkEndedBy, Quarantined, Verdict,
    CAUSE_CONTINUATION, CAUSE_CONTROL, CAUSE_TIMER, TURN_BUDGET,
};

/// Silence that is recorded and forgiven (JOURNAL: time).
pub(crate) const GAP_MS: u64 = 2_000;

/// A fact that waits for its verdict.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending<'a> {
    pub(crate) inbox_seq: u64,
    pub(crate) index: u64,
    pub(crate) stored_ms: u64,
    pub(crate) fact: Body<'a>,
}

/// Its bytes, or why there are none.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    Bytes(&'a [u8]),
    /// Bytes that are no fact; only their digest is known.
    Quarantined {
        reason: &'a str,
        sha256: Digest,
    },
}

impl<'a> Body<'a> {
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Quarantined { .. } => None,
        }
    }
}

/// One commit's worth of decisions.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) site: &'a mut Site,
    /// The turn's time: what the engine does happens now.
    pub(crate) at_ms: u64,
    /// The time of what is being decided: a fact's, or a deadline.
    pub(crate) t_ms: u64,
    pub(crate) record: Record,
    pub(crate) consumed: Option<Consumed>,
    /// Something was looked at and found to need nothing: that too must be remembered.
    pub(crate) looked: bool,
    /// The contact whose offer has just ended: it looks when a loss that follows has contacts look.
    pub(crate) again: Option<Id>,
    /// What reservations depend on.
    pub(crate) drain: Drain,
    /// Contacts of customers who are promised a call that have been answered or are gone.
    pub(crate) returned: Vec<(Id, Came)>,
    /// How the state contradicts itself, once that is found: nothing more is recorded, and the turn comes to nothing.
    pub(crate) contradiction: Option<String>,
    cause: i64,
    looked_up_to: (u64, Chance),
}

impl<'a> Turn<'a> {
    pub(crate) fn new(site: &'a mut Site, at_ms: u64, record: Record) -> Self {
        let (consumed, looked_ms) = (site.state.consumed, site.state.looked_ms);
        Self {
            site,
            at_ms,
            t_ms: at_ms,
            record,
            consumed,
            looked: false,
            again: None,
            drain: Drain::default(),
            returned: Vec::new(),
            contradiction: None,
            cause: CAUSE_TIMER,
            looked_up_to: (looked_ms, Chance::LAST),
        }
    }

    /// Decide facts in order, with the timers due before each and those due by now. True if the turn must go on in another commit:
    /// `pending` then still holds what was not reached.
    pub(crate) fn decide(&mut self, pending: &mut std::iter::Peekable<std::vec::IntoIter<Pending<'_>>>) -> bool {
        let cut = self.decide_in_order(pending);
        // A cut may have come between something and what it means for the doors.
        self.turn_doors();
        cut
    }

    fn decide_in_order(&mut self, pending: &mut std::iter::Peekable<std::vec::IntoIter<Pending<'_>>>) -> bool {
        self.forgive_silence();
        self.cause = CAUSE_CONTINUATION;
        if self.site.state.sweep.is_some() {
            let full = self.sweep();
            self.reserve();
            if full {
                return true;
            }
        }
        if self.site.state.continued {
            // The last thing before the cut was perhaps not finished: that is of its own time, and what is still to come is before this turn's.
            self.t_ms = self.site.state.fact_ms;
            self.note_all_risks();
            self.finish();
            if self.is_full() {
                return true;
            }
        }
        while let Some(next) = pending.peek() {
            let t_ms = fact_time(next.stored_ms, self.site.state.fact_ms, self.at_ms);
            if self.run_timers(t_ms, false) {
                return true;
            }
            if let Some(next) = pending.next() {
                self.decide_input(&next, t_ms);
                if self.is_full() {
                    return true;
                }
            }
        }
        self.run_timers(self.at_ms, true)
    }

    /// Nothing more is to be added to this commit.
    pub(crate) fn is_full(&self) -> bool {
        self.record.size() >= TURN_BUDGET || self.is_stuck()
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.contradiction.is_some()
    }

    #[cold]
    fn contradict(&mut self, what: String) {
        self.contradiction.get_or_insert(what);
    }

    pub(crate) fn rules(&self) -> Option<&Rules> {
        self.site.rules()
    }

    /// Record an event and apply it.
    pub(crate) fn emit(&mut self, contact: Option<Id>, agent: Option<Id>, channel: Option<&Name>, event: impl Into<Event>) {
        self.record_event(&About { contact, agent, channel: channel.cloned() }, &mut event.into());
    }

    /// One function for all of them: there are many kinds of events, and what is done with each takes room in the processor's caches.
    #[inline(never)]
    fn record_event(&mut self, about: &About, event: &mut Event) {
        if self.is_stuck() {
            return;
        }
        let (contact, place, tag) = (about.contact, self.next_place(), event.tag());
        self.record.add_event(about, self.cause, event);
        self.note_returned(contact, event);
        let moment = if self.site.has_clocks() { Moment::of(self.site, contact, event) } else { None };
        if let Err(what) = self.site.apply_event(about, place, self.at_ms, event) {
            self.contradict(format!("decides event {tag} of {about:?}, which does not apply: {what}"));
        }
        if let Some((contact, moment)) = moment {
            self.keep_clocks(contact, moment);
        }
        if self.site.index.promised.dials_any() {
            self.end_dials(contact);
        }
    }

    /// An event of the router itself, not of a turn.
    pub(crate) fn emit_control(&mut self, event: impl Into<Event>) {
        self.cause = CAUSE_CONTROL;
        self.emit(None, None, None, event);
    }

    /// Where the next entry will stand.
    fn next_place(&self) -> Place {
        Place { seq: self.site.state.seq + 1, entry: self.record.count() as u64 }
    }

    /// After silence, deadlines that people wait for move by it: nobody could have met them.
    fn forgive_silence(&mut self) {
        let gap_ms = self.at_ms.saturating_sub(self.site.state.turn_ms);
        if gap_ms > GAP_MS && self.site.has_short_deadline() {
            self.emit(None, None, None, DeadlinesShifted { at_ms: self.at_ms, gap_ms });
        }
    }

    fn decide_input(&mut self, pending: &Pending<'_>, t_ms: u64) {
        self.t_ms = t_ms;
        self.cause = i64::try_from(self.record.count()).unwrap_or(i64::MAX);
        self.consumed = self.consumed.map(|consumed| Consumed {
            inbox_id: consumed.inbox_id,
            inbox_seq: pending.inbox_seq,
            facts_done: pending.index + 1,
        });
        match pending.fact {
            Body::Bytes(bytes) => match &codec::decode_fact(bytes) {
                Ok(fact) if self.site.state.levels.have_fact(fact.tag()) => self.decide_fact(pending, bytes, fact),
                Ok(_) => self.push_input(pending, &[], None, &quarantined(Flaw::UnknownTag.reason(), sha256(bytes))),
                Err(flaw) => self.push_input(pending, &[], None, &quarantined(flaw.reason(), sha256(bytes))),
            },
            Body::Quarantined { reason, sha256 } => self.push_input(pending, &[], None, &quarantined(reason, sha256)),
        }
    }

    fn decide_fact(&mut self, pending: &Pending<'_>, bytes: &[u8], fact: &Fact) {
        let verdict = match self.site.state.facts.get(&fact.fact_id(), self.at_ms) {
            Some(first) => Duplicate { first_seq: first.seq, first_entry: first.entry }.into(),
            None => self.verdict_on(fact),
        };
        self.push_input(pending, bytes, Some(fact), &verdict);
        if matches!(verdict, Verdict::Accepted(_)) {
            self.carry_out(fact);
            self.finish();
        }
    }

    /// Chances up to here have been taken: also in an earlier turn, if what is decided now happened before it and was told late.
    pub(crate) fn reached_ms(&self) -> u64 {
        self.t_ms.max(self.looked_up_to.0)
    }

    /// A fact or timer is done with all it caused: now what depends on the whole of it.
    fn finish(&mut self) {
        self.again = None;
        self.settle_returned();
        self.reserve();
        self.promote();
        self.turn_doors();
    }

    fn push_input(&mut self, pending: &Pending<'_>, bytes: &[u8], fact: Option<&Fact>, verdict: &Verdict) {
        let remembered = match verdict {
            Verdict::Accepted(_) | Verdict::Refused(_) => fact.map(Fact::fact_id),
            Verdict::Duplicate(_) | Verdict::Quarantined(_) => None,
        };
        self.site.apply_input(remembered, pending.stored_ms, self.at_ms, self.next_place());
        let contact = fact.and_then(Fact::contact);
        let channel = fact
            .and_then(Fact::channel)
            .or_else(|| contact.and_then(|id| self.site.contact(&id)).map(|contact| &contact.channel))
            .cloned();
        let about = About { contact, agent: fact.and_then(Fact::agent), channel };
        let stood = (pending.inbox_seq, pending.index, pending.stored_ms);
        self.record.add_input(&about, self.cause, stood, bytes, verdict);
    }

    /// Run what is due before `limit_ms` (or at it, if `inclusive`), in order. True if the commit is full.
    fn run_timers(&mut self, limit_ms: u64, inclusive: bool) -> bool {
        self.cause = CAUSE_TIMER;
        while let Some(due) = self.next_due(limit_ms, inclusive) {
            self.t_ms = due.at_ms;
            let before = self.record.count();
            match &due.what {
                What::Day => self.emit(None, None, None, DayTurned { at_ms: due.at_ms }),
                What::Short(timer) => self.run_short(*timer),
                What::Later(later) => self.run_later(later),
                What::Chance(chance) => {
                    self.looked_up_to = (due.at_ms, *chance);
                    self.looked = true;
                    match chance {
                        Chance::Look(contact) => self.look(*contact),
                        Chance::Door(number) => self.turn_door(*number),
                        Chance::Promote(_) => {}
                    }
                }
            }
            if self.record.count() == before && self.still_stands(&due) {
                self.contradict(format!("has a deadline at {} that nothing follows from: {:?}", due.at_ms, due.what));
            }
            self.finish();
            if self.is_full() {
                return true;
            }
        }
        false
    }

    /// It would be the next one again, for ever.
    fn still_stands(&self, due: &Due) -> bool {
        let index = &self.site.index;
        match &due.what {
            What::Day => self.site.next_day() == Some(due.at_ms),
            What::Short(timer) => index.timers.contains(&(due.at_ms, *timer)),
            What::Later(later) => index.later.contains(&(due.at_ms, later.clone())),
            // Looked at once.
            What::Chance(_) => false,
        }
    }

    fn run_short(&mut self, timer: Timer) {
        match timer {
            Timer::Offer { contact, attempt } => self.expire_offer(contact, attempt),
            Timer::Connect { contact, attempt } => self.expire_connect(contact, attempt),
            Timer::DeskLost(agent) => self.expire_desk(agent),
            Timer::WrapUp { agent, contact, attempt } => self.expire_wrap_up(agent, contact, attempt),
        }
    }

    /// Whatever it does takes this deadline out of the state.
    fn run_later(&mut self, later: &Later) {
        match later {
            Later::Silence(contact) => self.end_silence(*contact),
            Later::Return(contact) => self.return_parked(*contact, ParkEndedBy::Deadline),
            Later::Closing(queue) => self.close(queue),
            Later::Step(contact) => self.take_steps(*contact),
            Later::Threshold(contact) => self.reach_threshold(*contact),
            Later::Promise(contact) => self.follow_promise(*contact),
            Later::Hours(queue) => self.turn_hours(queue),
            Later::HoursOver(queue) => self.close_hours(queue),
            Later::Sla(subject, name) => self.turn_clock(*subject, name),
            Later::NextStep(contact) => self.end_choice(*contact),
        }
    }

    fn next_due(&self, limit_ms: u64, inclusive: bool) -> Option<Due> {
        let index = &self.site.index;
        let firsts = [
            self.site.next_day(),
            index.timers.first().map(|(at_ms, _)| *at_ms),
            index.later.first().map(|(at_ms, _)| *at_ms),
            index.looks.first().map(|(at_ms, _)| *at_ms),
        ];
        // Mostly nothing is near.
        if firsts.iter().flatten().all(|at_ms| *at_ms > limit_ms) {
            return None;
        }
        let day = self.site.next_day().map(|at_ms| Due { at_ms, what: What::Day });
        let short = index.timers.first().map(|(at_ms, timer)| Due { at_ms: *at_ms, what: What::Short(*timer) });
        let later = index.later.first().map(|(at_ms, later)| Due { at_ms: *at_ms, what: What::Later(later.clone()) });
        let look = index.looks.range((Excluded(self.looked_up_to), Unbounded)).next();
        let look = look.map(|(at_ms, chance)| Due { at_ms: *at_ms, what: What::Chance(*chance) });
        let next = [day, short, later, look].into_iter().flatten().min_by_key(Due::place)?;
        (next.at_ms < limit_ms || (inclusive && next.at_ms == limit_ms)).then_some(next)
    }
}

/// The next thing that is due.
#[derive(Debug, Clone)]
struct Due {
    at_ms: u64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Day,
    Short(Timer),
    Later(Later),
    Chance(Chance),
}

impl Due {
    /// What is due at one instant goes in this order (within a kind, its own set is in order).
    fn place(&self) -> (u64, u8) {
        let kind = match self.what {
            What::Day => 0,
            What::Short(_) => 1,
            What::Later(_) => 2,
            What::Chance(_) => 3,
        };
        (self.at_ms, kind)
    }
}

/// When the site wants the next turn, if no frame comes (Unix ms).
pub(crate) fn next_deadline(site: &Site) -> Option<u64> {
    let state = &site.state;
    let unfinished = (state.continued || state.sweep.is_some()).then_some(state.at_ms);
    let timer = site.index.timers.first().map(|(due_ms, _)| *due_ms);
    let beat = site.has_short_deadline().then_some(state.turn_ms + 1_000);
    let looked = (Excluded((state.looked_ms, Chance::LAST)), Unbounded);
    let look = site.index.looks.range(looked).next().map(|(due_ms, _)| *due_ms);
    let later = site.index.later.first().map(|(due_ms, _)| *due_ms);
    [unfinished, timer, beat, look, later, site.next_day()].into_iter().flatten().min()
}

/// May a turn in which nothing happened go unrecorded?
pub(crate) fn is_idle(site: &Site, at_ms: u64) -> bool {
    !site.state.continued && (!site.has_short_deadline() || at_ms < site.state.turn_ms + 1_000)
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    use sha2::Digest as _;
    Digest(sha2::Sha256::digest(bytes).into())
}

fn quarantined(reason: &str, sha256: Digest) -> Verdict {
    // Every reason is one of our own words, or stands in a journal that was checked when it was written.
    Quarantined { reason: Name::new(reason).unwrap_or_else(unreadable), sha256 }.into()
}

fn unreadable() -> Name {
    Name::new("bad_shape").unwrap_or_else(|| unreachable!("a valid name"))
}
