//! A commit as lines for people: stories' transcripts, `cordboard verify`, a look into the journal.
//!
//! `commit …`, then a line for each entry: `> Fact contact agent verdict`, or `time Event contact agent channel key=value …`.
//! Times and durations are seconds with three decimals; an id is its text if it reads like one, else hexadecimal.

mod doors;
mod journey;
mod moments;
mod promises;
mod slas;
mod staff;
mod terms;

use std::fmt::{Display, Write};

use crate::codec;
use crate::words::{Commit, Entry, Event, Input, Role, Verdict, INPUT_TAG};
use crate::Error;
use moments::at_ms;
use terms::{Due, Name, Need, Place, Seconds};

/// The lines of a commit. The error says what in it cannot be read.
pub fn render(commit: &[u8]) -> Result<String, Error> {
    let commit = codec::decode_commit(commit).map_err(|flaw| broken(0, flaw))?;
    let mut out = head(&commit);
    for (index, entry) in commit.entries.iter().enumerate() {
        out.push('\n');
        out += &if entry.tag == INPUT_TAG {
            input(entry, &codec::decode_input(&entry.body).map_err(|flaw| broken(commit.seq, flaw))?)
        } else {
            event(entry, (commit.seq, index), &codec::decode_event(&entry.body).map_err(|flaw| broken(commit.seq, flaw))?)
        };
    }
    out.push('\n');
    Ok(out)
}

fn broken(seq: u64, flaw: codec::Flaw) -> Error {
    Error::Commit { seq, what: flaw.reason().to_owned() }
}

fn head(commit: &Commit) -> String {
    let mut line = Line(format!("commit {}", commit.seq));
    line.pair("at", Seconds(commit.at_ms));
    line.pair("epoch", commit.epoch);
    line.pair("policy", commit.policy);
    line.pair("consumed", format_args!("{}/{}", commit.consumed.inbox_seq, commit.consumed.facts_done));
    if commit.continued {
        line.word("continued");
    }
    line.option("state", commit.state_hash.as_ref());
    line.0
}

fn input(entry: &Entry, input: &Input) -> String {
    let name = codec::decode_fact(&input.fact).map_or("?", |fact| fact.name());
    let mut line = Line(format!("> {name}"));
    line.about(entry);
    match &input.verdict {
        Verdict::Accepted(_) => line.word("accepted"),
        Verdict::Refused(refused) => line.word(format_args!("refused {}", refused.reason)),
        Verdict::Duplicate(first) => line.word(format_args!("duplicate {}/{}", first.first_seq, first.first_entry)),
        Verdict::Quarantined(set_apart) => {
            let sha256 = set_apart.sha256.to_string();
            line.word(format_args!("quarantined {} {}", set_apart.reason, &sha256[..8]));
        }
    }
    line.0
}

fn event(entry: &Entry, (seq, index): (u64, usize), event: &Event) -> String {
    let mut line = Line(format!("{} {}", Seconds(at_ms(event)), event.name()));
    line.about(entry);
    if matches!(event, Event::EffectRequested(_)) {
        // Its place is its id.
        line.word(format_args!("{seq}/{index}"));
    }
    line.body(event);
    line.0
}

/// A line that grows word by word.
struct Line(String);

impl Line {
    fn word(&mut self, word: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, " {word}");
    }

    fn pair(&mut self, key: &str, value: impl Display) {
        let _ = write!(self.0, " {key}={value}");
    }

    fn option(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.pair(key, value);
        }
    }

    fn list<T: Display>(&mut self, key: &str, items: impl IntoIterator<Item = T>) {
        let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
        if !items.is_empty() {
            self.pair(key, items.join(","));
        }
    }

    fn about(&mut self, entry: &Entry) {
        for id in [entry.contact, entry.agent].into_iter().flatten() {
            self.word(Name(id));
        }
        if let Some(channel) = &entry.channel {
            self.word(channel);
        }
    }

    /// What the event says beside whom it is about, and when.
    fn body(&mut self, event: &Event) {
        match event {
            Event::ContactQueued(_) | Event::ContactEnded(_) | Event::VisitEnded(_) => self.contact(event),
            Event::AgentRegistered(_)
            | Event::AgentRemoved(_)
            | Event::PresenceChanged(_)
            | Event::ChannelSwitchSet(_)
            | Event::OverCapacityRecorded(_) => self.agent(event),
            Event::RouterTookOver(event) => {
                self.pair("epoch", event.epoch);
                self.pair("inbox", Name(event.inbox_id));
            }
            Event::LevelAdopted(event) => self.pair("level", event.level),
            Event::RouterSteppedDown(event) => self.pair("epoch", event.epoch),
            Event::DeadlinesShifted(event) => self.pair("gap", Seconds(event.gap_ms)),
            Event::PolicyAdopted(event) => self.pair("version", event.version),
            Event::SweepAdvanced(event) => match event.after {
                Some(key) => self.pair("after", Place(key)),
                None => self.word("finished"),
            },
            Event::OfferMade(_)
            | Event::OfferAccepted(_)
            | Event::OfferDeclined(_)
            | Event::OfferExpired(_)
            | Event::OfferRevoked(_)
            | Event::ConnectExpired(_) => self.offer(event),
            Event::EngagementStarted(_)
            | Event::ContactAnswered(_)
            | Event::MessageRelayed(_)
            | Event::EngagementEnded(_)
            | Event::WrapUpEnded(_)
            | Event::WrapUpExtended(_) => self.engagement(event),
            Event::ContactParked(_) | Event::ParkEnded(_) | Event::ContactReclassified(_) | Event::MessageAttached(_) => {
                self.matter(event);
            }
            Event::EffectRequested(_) | Event::EffectEnded(_) | Event::EffectRetried(_) => self.effect(event),
            Event::CustomerErased(event) => self.word(Name(event.customer)),
            Event::DoorTurned(event) => self.door(event),
            Event::WaitExpected(event) => self.expected(event),
            Event::NextStepOffered(event) => self.next_steps(event),
            Event::NextStepTaken(event) => self.next_step(event),
            Event::ContactReprioritised(_)
            | Event::ContactRelaxed(_)
            | Event::ThresholdReached(_)
            | Event::ContactPromoted(_)
            | Event::ContactLinked(_)
            | Event::ContactDiverted(_)
            | Event::MatterRepeated(_) => self.place(event),
            Event::ConnectFailed(_)
            | Event::EngagementHeld(_)
            | Event::EngagementResumed(_)
            | Event::RoleChanged(_)
            | Event::ContactDormant(_)
            | Event::ContactRevived(_)
            | Event::AgentSilenceNoticed(_) => self.conversation(event),
            Event::DayTurned(_)
            | Event::AgentScheduleSet(_)
            | Event::OutsideWorkChanged(_)
            | Event::DeskLossRecorded(_)
            | Event::DeskReturnRecorded(_)
            | Event::AgentReserved(_)
            | Event::AgentReleased(_)
            | Event::QueueModeSet(_)
            | Event::QueueHoursTurned(_)
            | Event::BroadcastMade(_)
            | Event::QuarantineEnded(_) => self.staff(event),
            Event::PromiseMade(_)
            | Event::CallbackDeclined(_)
            | Event::CallbackOffered(_)
            | Event::CallbackDue(_)
            | Event::AttemptRecorded(_)
            | Event::PromiseEnded(_)
            | Event::PromiseHeld(_)
            | Event::PromiseReleased(_)
            | Event::PromiseAtRisk(_)
            | Event::CapacitySet(_) => self.promise(event),
            Event::SlaStarted(_)
            | Event::SlaAtRisk(_)
            | Event::SlaMet(_)
            | Event::SlaBroken(_)
            | Event::SlaPaused(_)
            | Event::SlaResumed(_)
            | Event::SlaCancelled(_)
            | Event::ContactSegmented(_) => self.sla(event),
        }
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    fn contact(&mut self, event: &Event) {
        match event {
            Event::ContactQueued(event) => {
                self.word(&event.queue);
                self.pair("visit", event.visit);
                self.pair("key", Place(event.key));
                self.pair("since", Seconds(event.queued_at_ms));
                self.pair("target", Seconds(event.target_ms));
                self.list("needs", event.requirements.iter().map(Need));
                if event.priority > 0 {
                    self.pair("priority", event.priority);
                }
                self.option("customer", event.customer.map(Name));
                self.list("preferred", event.preferred.iter().copied().map(Name));
                if event.prefer_until_ms > 0 {
                    self.pair("prefer_until", Seconds(event.prefer_until_ms));
                }
                self.option("excluded", event.excluded.map(Name));
                self.option("from", event.entry_point.as_ref());
                self.option("topic", event.topic.as_ref());
                self.option("case", event.case.map(Name));
                self.option("rule", event.rule.as_ref());
                self.option("language", event.language.as_ref());
                self.list("accepts", event.accepts.iter());
                self.list("opens", event.opens_ms.iter().copied().map(Seconds));
                if event.step > 0 {
                    self.pair("step", event.step);
                }
                self.option("step_at", event.step_at_ms.map(Seconds));
                if event.threshold > 0 {
                    self.pair("threshold", event.threshold);
                }
                self.option("threshold_at", event.threshold_at_ms.map(Seconds));
                self.option("promote_at", event.promote_at_ms.map(Seconds));
                self.option("drain_at", event.drain_at_ms.map(Seconds));
                if event.transfers > 0 {
                    self.pair("transfers", event.transfers);
                }
                self.option("back", event.back.map(Name));
                self.option("resumes", event.resumes.map(Name));
                if let Some(matter) = &event.matter {
                    self.pair("times", matter.count);
                    self.pair("until", Seconds(matter.until_ms));
                }
            }
            Event::ContactEnded(event) => {
                self.word(event.reason);
                self.pair("in", event.state);
                self.option("successor", event.successor.map(Name));
                self.option("kept_until", event.kept_until_ms.map(Seconds));
            }
            Event::VisitEnded(event) => {
                self.word(&event.queue);
                self.word(event.outcome);
                self.pair("visit", event.visit);
                self.pair("wait", Seconds(event.wait_ms));
            }
            _ => {}
        }
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    fn offer(&mut self, event: &Event) {
        match event {
            Event::OfferMade(event) => {
                self.pair("attempt", event.attempt);
                self.word(event.cause);
                self.word(&event.queue);
                self.pair("rank", event.rank);
                self.pair("cost", event.cost);
                self.pair("wait", Seconds(event.wait_ms));
                self.pair("until", Seconds(event.expires_ms));
                if event.role != Role::Primary {
                    self.pair("role", event.role);
                }
                if event.interrupts {
                    self.word("interrupts");
                }
                if let Some(direct) = &event.direct {
                    self.pair("direct", direct.reason);
                    self.option("by", direct.by.map(Name));
                }
                if let Some(why) = &event.why {
                    self.why(why);
                }
            }
            Event::OfferAccepted(event) => {
                self.pair("attempt", event.attempt);
                self.pair("connect_by", Seconds(event.connect_by_ms));
            }
            Event::OfferDeclined(event) => {
                self.pair("attempt", event.attempt);
                self.option("reason", event.reason.as_ref());
                self.excluded(event.excluded_until_ms, event.reoffer_from_ms);
                self.pair("declines", event.declines);
            }
            Event::OfferExpired(event) => {
                self.pair("attempt", event.attempt);
                self.excluded(event.excluded_until_ms, event.reoffer_from_ms);
                self.pair("missed", event.missed);
            }
            Event::OfferRevoked(event) => {
                self.pair("attempt", event.attempt);
                self.word(event.reason);
                self.option("siblings_until", event.siblings_until_ms.map(Seconds));
            }
            Event::ConnectExpired(event) => {
                self.pair("attempt", event.attempt);
                self.excluded(event.excluded_until_ms, event.reoffer_from_ms);
                self.option("siblings_until", event.siblings_until_ms.map(Seconds));
            }
            _ => {}
        }
    }

    fn excluded(&mut self, until_ms: u64, reoffer_from_ms: u64) {
        self.pair("excluded_until", Seconds(until_ms));
        self.pair("reoffer_from", Seconds(reoffer_from_ms));
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    fn engagement(&mut self, event: &Event) {
        match event {
            Event::EngagementStarted(event) => {
                self.pair("attempt", event.attempt);
                self.word(&event.queue);
                if event.role != Role::Primary {
                    self.pair("role", event.role);
                }
                self.option("silence", event.silence.map(Due));
            }
            Event::ContactAnswered(event) => {
                self.pair("attempt", event.attempt);
                self.pair("wait", Seconds(event.wait_ms));
            }
            Event::MessageRelayed(event) => {
                self.word(format_args!("#{}", event.ordinal));
                self.word(Name(event.message));
                self.pair("by", event.author);
                self.option("silence", event.silence.map(Due));
            }
            Event::EngagementEnded(event) => {
                self.pair("attempt", event.attempt);
                self.pair("by", event.by);
                if event.role != Role::Primary {
                    self.pair("role", event.role);
                }
                self.option("disposition", event.disposition.as_ref());
                self.option("note", event.note.map(Name));
                if let Some(until_ms) = event.wrap_until_ms {
                    self.pair("wrap_until", Seconds(until_ms));
                    self.pair("wrap_cost", event.wrap_cost);
                }
            }
            Event::WrapUpEnded(event) => {
                self.pair("attempt", event.attempt);
                self.pair("by", event.by);
                self.option("disposition", event.disposition.as_ref());
                self.option("note", event.note.map(Name));
            }
            Event::WrapUpExtended(event) => {
                self.pair("attempt", event.attempt);
                self.pair("until", Seconds(event.until_ms));
            }
            _ => {}
        }
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    fn matter(&mut self, event: &Event) {
        match event {
            Event::ContactParked(event) => {
                self.word(event.kind);
                self.pair("until", Seconds(event.until_ms));
                self.option("note", event.note.map(Name));
            }
            Event::ParkEnded(event) => self.pair("by", event.by),
            Event::ContactReclassified(event) => {
                self.word(&event.topic);
                self.option("previous", event.previous.as_ref());
            }
            Event::MessageAttached(event) => {
                self.word(Name(event.message));
                self.pair("by", event.author);
            }
            _ => {}
        }
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    fn effect(&mut self, event: &Event) {
        match event {
            Event::EffectRequested(event) => {
                self.word(&event.kind);
                self.word(format_args!("#{}", event.ordinal));
                self.word(Name(event.message));
            }
            Event::EffectEnded(event) => {
                self.word(format_args!("{}/{}", event.effect_seq, event.effect_entry));
                self.word(event.outcome);
                self.option("reason", event.reason);
            }
            Event::EffectRetried(event) => {
                self.word(format_args!("{}/{}", event.effect_seq, event.effect_entry));
                self.pair("round", event.round);
            }
            _ => {}
        }
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    fn agent(&mut self, event: &Event) {
        match event {
            Event::AgentRegistered(event) => {
                self.list("skills", event.skills.iter().map(|skill| format!("{}:{}", skill.skill, skill.level)));
                self.list("queues", event.memberships.iter().map(|member| format!("{}:{}", member.queue, member.rank)));
                let number = |limit: Option<u32>| limit.map_or("-".to_owned(), |limit| limit.to_string());
                let channels = event.channels.iter();
                self.list(
                    "channels",
                    channels.map(|own| format!("{}:{}:{}", own.channel, number(own.cost), number(own.max_concurrent))),
                );
                self.pair("capacity", event.capacity);
            }
            Event::PresenceChanged(event) => {
                let said =
                    |reason: &Option<crate::words::Name>| reason.as_ref().map_or(String::new(), |reason| format!("({reason})"));
                self.word(format_args!("{}{}", event.effective, said(&event.effective_reason)));
                if (event.requested, &event.requested_reason) != (event.effective, &event.effective_reason) {
                    self.pair("requested", format_args!("{}{}", event.requested, said(&event.requested_reason)));
                }
                self.pair("idle_since", Seconds(event.idle_since_ms));
                self.pair("cause", event.cause);
            }
            Event::ChannelSwitchSet(event) => {
                self.word(if event.on { "on" } else { "off" });
                self.pair("cause", event.cause);
            }
            Event::OverCapacityRecorded(event) => {
                self.pair("cause", event.cause);
                self.pair("load", event.load);
                self.pair("capacity", event.capacity);
            }
            _ => {}
        }
    }
}
