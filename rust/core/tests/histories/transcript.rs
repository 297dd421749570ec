//! Frames into bytes, and commits into what they say: without where it stands, so that two journals can be compared.

use cordboard_core::codec;
use cordboard_core::words::{Commit, Duplicate, EffectEnded, Entry, Event, Id, Input, Name, Verdict, CAUSE_CONTROL, INPUT_TAG};
use cordboard_core::FrameRef;

/// A message of the inbox before it has a sequence.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) stored_ms: u64,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Facts(Vec<Vec<u8>>),
    Garbage(Vec<u8>),
}

/// A frame in the inbox.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    inbox_seq: u64,
    at_ms: u64,
    data: Vec<u8>,
}

impl Stored {
    pub(crate) fn frame(&self) -> FrameRef<'_> {
        FrameRef { inbox_seq: self.inbox_seq, stored_ms: self.at_ms, data: &self.data }
    }
}

/// The frames as the inbox holds them, from `first_seq` on.
pub(crate) fn stored(frames: &[Frame], first_seq: u64) -> Vec<Stored> {
    let store = |(inbox_seq, frame): (u64, &Frame)| {
        let data = match &frame.content {
            Content::Facts(facts) => packed(facts),
            Content::Garbage(bytes) => bytes.clone(),
        };
        Stored { inbox_seq, at_ms: frame.stored_ms, data }
    };
    (first_seq..).zip(frames).map(store).collect()
}

/// A msgpack array of byte strings.
fn packed(facts: &[Vec<u8>]) -> Vec<u8> {
    let size = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    let mut data = vec![0xdc];
    data.extend(size(facts.len()));
    for fact in facts {
        data.push(0xc5);
        data.extend(size(fact.len()));
        data.extend(fact);
    }
    data
}

/// Every fact as a frame of its own.
pub(crate) fn apart(frames: &[Frame]) -> Vec<Frame> {
    let singles = |frame: &Frame| match &frame.content {
        Content::Facts(facts) => facts.iter().map(|fact| Frame { content: Content::Facts(vec![fact.clone()]), ..*frame }).collect(),
        Content::Garbage(_) => vec![frame.clone()],
    };
    frames.iter().flat_map(singles).collect()
}

/// The same facts in other frames: parted where a bit of `cuts` says so, joined where they were stored at the same time.
pub(crate) fn regrouped(frames: &[Frame], cuts: u32) -> Vec<Frame> {
    let mut found: Vec<Frame> = Vec::new();
    for (place, single) in apart(frames).into_iter().enumerate() {
        let joined = cuts >> (place % 32) & 1 == 0;
        match (found.last_mut(), single.content) {
            (Some(Frame { stored_ms, content: Content::Facts(facts) }), Content::Facts(more))
                if joined && *stored_ms == single.stored_ms =>
            {
                facts.extend(more);
            }
            (_, content) => found.push(Frame { stored_ms: single.stored_ms, content }),
        }
    }
    found
}

/// One line of a journal, wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // few are kept at a time, and boxes cannot be matched through
pub(crate) enum Line {
    Input {
        stored_ms: u64,
        fact: Vec<u8>,
        verdict: Verdict,
    },
    /// `cause` counts the inputs of the transcript, if it was an input.
    Event {
        cause: i64,
        contact: Option<Id>,
        agent: Option<Id>,
        channel: Option<Name>,
        event: Event,
    },
}

impl Line {
    /// The name of an accepted fact or an event; of anything else what became of it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Event { event, .. } => event.name(),
            Self::Input { fact, verdict: Verdict::Accepted(_), .. } => codec::decode_fact(fact).map_or("", |fact| fact.name()),
            Self::Input { verdict, .. } => verdict.name(),
        }
    }
}

/// What the commits say, but for take-overs.
pub(crate) fn transcript(commits: &[Vec<u8>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut inputs = 0;
    for commit in commits {
        let mut ordinals = Vec::new();
        for entry in &read(commit).entries {
            ordinals.push(inputs);
            if entry.tag == INPUT_TAG {
                inputs += 1;
                lines.push(input_line(input(entry)));
            } else if entry.cause != CAUSE_CONTROL {
                let cause = usize::try_from(entry.cause).map_or(entry.cause, |place| ordinals[place]);
                lines.push(Line::Event {
                    cause,
                    contact: entry.contact,
                    agent: entry.agent,
                    channel: entry.channel.clone(),
                    event: placeless(event(entry)),
                });
            }
        }
    }
    lines
}

/// Where an effect stands in its journal is not what is said of its end.
fn placeless(event: Event) -> Event {
    match event {
        Event::EffectEnded(event) => EffectEnded { effect_seq: 0, effect_entry: 0, ..event }.into(),
        event => event,
    }
}

fn input_line(input: Input) -> Line {
    let verdict = match input.verdict {
        // Where the first one stands is not what is said.
        Verdict::Duplicate(_) => Duplicate { first_seq: 0, first_entry: 0 }.into(),
        verdict => verdict,
    };
    Line::Input { stored_ms: input.stored_ms, fact: input.fact, verdict }
}

pub(crate) fn read(commit: &[u8]) -> Commit {
    codec::decode_commit(commit).unwrap()
}

pub(crate) fn input(entry: &Entry) -> Input {
    codec::decode_input(&entry.body).unwrap()
}

pub(crate) fn event(entry: &Entry) -> Event {
    codec::decode_event(&entry.body).unwrap()
}
