//! What a random history is made of, drawn before it runs: so that it can be shrunk. The ledger makes facts of the wishes.

use cordboard_core::words::Author;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{any, Just, Strategy};
use proptest::prop_oneof;

use crate::callbacks::{ask, Ask};
use crate::hall::{call, Call};
use crate::site::{shape, Shape, Wrong};
use crate::staff::{duty, Duty};
use crate::talk::{talk, Talk};

/// A turn: time passes, frames come in; and what else happens.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) after: After,
    pub(crate) frames: Vec<Sent>,
    pub(crate) incident: Incident,
    /// Where the same facts are parted into other frames, fact by fact.
    pub(crate) cuts: u32,
}

/// How much later than the turn before.
#[derive(Debug, Clone, Copy)]
pub(crate) enum After {
    Ms(u64),
    /// So much, and on the way the router is woken whenever it asks.
    Awake(u64),
    /// When the router asked to be woken, and so much before or after it.
    Woken(i64),
}

/// One message of the inbox, stored so long before the turn (or after it: clocks differ).
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) late_ms: i64,
    pub(crate) body: Body,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Facts(Vec<Wish>),
    Garbage(Vec<u8>),
}

/// What happens to the process that decides, after the turn.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Incident {
    Nothing,
    /// A twin is restored from its snapshot, and must go the same way from here on.
    Twin,
    /// Another router takes over: restored from the snapshot, or folded from the journal.
    TakeOver {
        folded: bool,
        later_ms: u64,
    },
    /// The same, and the inbox is another one.
    NewInbox,
}

/// How a wish differs from what could be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skew {
    Fits,
    OtherAgent,
    OtherAttempt,
    GoneContact,
    UnknownContact,
}

/// What an arrival may say of the matter it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// It goes on with the case of a live contact, or of an ended one, or of none that anybody knows.
    pub(crate) case: Option<(u8, Skew)>,
    pub(crate) message: bool,
    pub(crate) by_system: bool,
    pub(crate) reopens: bool,
    pub(crate) entry_point: Option<u8>,
    pub(crate) topic: Option<u8>,
}

/// What is said of an effect.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    Done,
    Failed,
    Retry,
    Discard,
}

/// What supervisors order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    Pick { agent: u8 },
    Requeue,
    Priority(u8),
    Force { agent: u8, offline: bool },
}

/// The `pick`-th of those it fits; `skew` spoils it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim {
    pub(crate) pick: u8,
    pub(crate) skew: Skew,
}

#[derive(Debug, Clone)]
pub(crate) enum Wish {
    Arrive {
        reused: Option<u8>,
        channel: u8,
        queue: u8,
        needs: Vec<(u8, u8, bool)>,
        priority: u8,
        preferred: Vec<u8>,
        about: About,
    },
    Abandon {
        aim: Aim,
    },
    End {
        aim: Aim,
        reason: u8,
    },
    Transfer {
        aim: Aim,
        queue: u8,
        by_agent: bool,
        needs: Option<Vec<(u8, u8, bool)>>,
        to: Option<u8>,
    },
    /// What a supervisor may do, or a picking agent.
    Supervise {
        aim: Aim,
        order: Order,
        reason: Option<u8>,
    },
    /// A connect fails on that side.
    Unconnected {
        aim: Aim,
        leg: u8,
    },
    Answer {
        aim: Aim,
        accepted: bool,
    },
    Connect {
        aim: Aim,
    },
    Say {
        aim: Aim,
        author: Author,
    },
    Park {
        aim: Aim,
        kind: u8,
        for_ms: u64,
    },
    Unpark {
        aim: Aim,
        by_owner: bool,
    },
    Reclassify {
        aim: Aim,
        topic: u8,
        by_agent: bool,
    },
    /// What becomes of an effect.
    Effect {
        pick: u8,
        wrong: bool,
        said: Said,
    },
    Erase {
        customer: u8,
    },
    Complete {
        aim: Aim,
        disposition: Option<u8>,
    },
    WrapUp {
        aim: Aim,
        disposition: Option<u8>,
    },
    Extend {
        aim: Aim,
        extra_ms: u64,
    },
    Declare {
        agent: u8,
        skills: Vec<(u8, u8)>,
        memberships: Vec<(u8, u8)>,
        channels: Vec<(u8, Option<u8>)>,
        capacity: Option<u32>,
    },
    Retire {
        agent: u8,
    },
    Presence {
        agent: u8,
        presence: u8,
        reason: Option<u8>,
    },
    Switch {
        agent: u8,
        channel: u8,
        on: bool,
    },
    Publish {
        shape: Box<Shape>,
        wrong: Wrong,
    },
    /// What comes next for a contact or a wrap-up: accept, connect, answer, finish.
    Progress {
        pick: u8,
        slowly: bool,
    },
    /// An earlier fact, word for word.
    Again {
        back: u8,
    },
    /// Another fact under the id of an earlier one.
    Forged {
        back: u8,
        agent: u8,
    },
    Noise(Vec<u8>),
    /// Something is reported of an agent.
    Report(Duty),
    /// Something is said to a queue, or of bytes that were put aside.
    Call(Call),
    Talk {
        aim: Aim,
        talk: Talk,
    },
    /// Something is said of callbacks.
    Ask {
        aim: Aim,
        ask: Ask,
    },
}

pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    let steps = || vec(step(), 1..60);
    let opened = (opening(), steps()).prop_map(|(first, rest)| std::iter::once(first).chain(rest).collect());
    prop_oneof![9 => opened, 1 => steps()]
}

/// A policy, and agents who are ready.
fn opening() -> impl Strategy<Value = Step> {
    let sheet = (vec((0_u8..3, 4_u8..=10), 2..4), vec((0_u8..2, 0_u8..3), 1..4), vec((0_u8..3, Just(None)), 1..4));
    (shape(), vec(sheet, 3..=5)).prop_map(|(shape, sheets)| {
        let mut wishes = vec![Wish::Publish { shape: Box::new(shape), wrong: Wrong::Nothing }];
        for (agent, (skills, memberships, channels)) in (0..).zip(sheets) {
            wishes.push(Wish::Declare { agent, skills, memberships, channels, capacity: None });
            wishes.push(Wish::Presence { agent, presence: 1, reason: None });
        }
        let frames = vec![Sent { late_ms: 0, body: Body::Facts(wishes) }];
        Step { after: After::Ms(0), frames, incident: Incident::Nothing, cuts: 0 }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let incident = prop_oneof![
        12 => Just(Incident::Nothing),
        2 => Just(Incident::Twin),
        1 => (any::<bool>(), prop_oneof![Just(0), 0_u64..5_000])
            .prop_map(|(folded, later_ms)| Incident::TakeOver { folded, later_ms }),
        1 => Just(Incident::NewInbox),
    ];
    (after(), vec(sent(), 0..4), incident, any::<u32>()).prop_map(|(after, frames, incident, cuts)| Step {
        after,
        frames,
        incident,
        cuts,
    })
}

fn after() -> impl Strategy<Value = After> {
    prop_oneof![
        2 => Just(After::Ms(0)),
        4 => (1_u64..1_000).prop_map(After::Ms),
        2 => (1_000_u64..=2_002).prop_map(After::Ms),
        2 => (2_000_u64..30_000).prop_map(After::Ms),
        1 => (30_000_u64..400_000).prop_map(After::Ms),
        1 => (890_000_u64..910_000).prop_map(After::Ms),
        3 => (1_000_u64..40_000).prop_map(After::Awake),
        5 => (-1_i64..=1).prop_map(After::Woken),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let late_ms = prop_oneof![6 => Just(0_i64), 3 => 0_i64..2_000, 1 => -500_i64..0, 1 => 0_i64..100_000];
    let body = prop_oneof![
        12 => vec(wish(), 1..5).prop_map(Body::Facts),
        1 => vec(any::<u8>(), 0..40).prop_map(Body::Garbage),
    ];
    (late_ms, body).prop_map(|(late_ms, body)| Sent { late_ms, body })
}

fn aim() -> impl Strategy<Value = Aim> {
    let skew = prop_oneof![
        20 => Just(Skew::Fits),
        1 => Just(Skew::OtherAgent),
        1 => Just(Skew::OtherAttempt),
        1 => Just(Skew::GoneContact),
        1 => Just(Skew::UnknownContact),
    ];
    (any::<u8>(), skew).prop_map(|(pick, skew)| Aim { pick, skew })
}

/// Mostly one that every policy has, seldom one that none has.
fn known() -> impl Strategy<Value = u8> {
    prop_oneof![30 => 0_u8..2, 5 => Just(2_u8), 1 => Just(3_u8)]
}

fn agent() -> impl Strategy<Value = u8> {
    prop_oneof![12 => 0_u8..3, 4 => 3_u8..5, 1 => Just(9_u8)]
}

fn needs() -> impl Strategy<Value = Vec<(u8, u8, bool)>> {
    prop_oneof![3 => Just(Vec::new()), 1 => vec((known(), 1_u8..=10, any::<bool>()), 1..4)]
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        10 => arrival(),
        2 => aim().prop_map(|aim| Wish::Abandon { aim }),
        1 => (aim(), 0_u8..3).prop_map(|(aim, reason)| Wish::End { aim, reason }),
        4 => (aim(), known(), any::<bool>(), option::weighted(0.3, needs()), option::weighted(0.5, agent()))
            .prop_map(|(aim, queue, by_agent, needs, to)| Wish::Transfer { aim, queue, by_agent, needs, to }),
        6 => (aim(), order(), option::weighted(0.2, known())).prop_map(|(aim, order, reason)| Wish::Supervise { aim, order, reason }),
        3 => (aim(), 0_u8..3).prop_map(|(aim, leg)| Wish::Unconnected { aim, leg }),
        5 => (aim(), prop_oneof![1 => Just(true), 1 => Just(false)]).prop_map(|(aim, accepted)| Wish::Answer { aim, accepted }),
        2 => aim().prop_map(|aim| Wish::Connect { aim }),
        4 => (aim(), prop_oneof![2 => Just(Author::Customer), 2 => Just(Author::Agent), 1 => Just(Author::System)])
            .prop_map(|(aim, author)| Wish::Say { aim, author }),
        4 => (aim(), 0_u8..3, prop_oneof![1 => Just(0_u64), 4 => 1_u64..60_000, 1 => 60_000_u64..2_000_000_000])
            .prop_map(|(aim, kind, for_ms)| Wish::Park { aim, kind, for_ms }),
        2 => (aim(), any::<bool>()).prop_map(|(aim, by_owner)| Wish::Unpark { aim, by_owner }),
        1 => (aim(), known(), any::<bool>()).prop_map(|(aim, topic, by_agent)| Wish::Reclassify { aim, topic, by_agent }),
        14 => (any::<u8>(), prop_oneof![9 => Just(false), 1 => Just(true)], said())
            .prop_map(|(pick, wrong, said)| Wish::Effect { pick, wrong, said }),
        1 => (0_u8..8).prop_map(|customer| Wish::Erase { customer }),
        2 => (aim(), option::weighted(0.3, known())).prop_map(|(aim, disposition)| Wish::Complete { aim, disposition }),
        2 => (aim(), option::weighted(0.3, known())).prop_map(|(aim, disposition)| Wish::WrapUp { aim, disposition }),
        2 => (aim(), prop_oneof![Just(0_u64), 1_u64..100_000]).prop_map(|(aim, extra_ms)| Wish::Extend { aim, extra_ms }),
        5 => declaration(),
        1 => agent().prop_map(|agent| Wish::Retire { agent }),
        10 => (agent(), prop_oneof![1 => Just(0_u8), 4 => Just(1_u8), 1 => Just(2_u8)], option::weighted(0.4, known()))
            .prop_map(|(agent, presence, reason)| Wish::Presence { agent, presence, reason }),
        2 => (agent(), known(), any::<bool>()).prop_map(|(agent, channel, on)| Wish::Switch { agent, channel, on }),
        1 => (shape(), wrong()).prop_map(|(shape, wrong)| Wish::Publish { shape: Box::new(shape), wrong }),
        24 => (any::<u8>(), any::<bool>()).prop_map(|(pick, slowly)| Wish::Progress { pick, slowly }),
        1 => any::<u8>().prop_map(|back| Wish::Again { back }),
        1 => (any::<u8>(), agent()).prop_map(|(back, agent)| Wish::Forged { back, agent }),
        1 => vec(any::<u8>(), 0..40).prop_map(Wish::Noise),
        6 => duty().prop_map(Wish::Report),
        2 => call().prop_map(Wish::Call),
        11 => (aim(), ask()).prop_map(|(aim, ask)| Wish::Ask { aim, ask }),
        3 => (aim(), talk()).prop_map(|(aim, talk)| Wish::Talk { aim, talk }),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        3 => agent().prop_map(|agent| Order::Pick { agent }),
        2 => Just(Order::Requeue),
        2 => (0_u8..=5).prop_map(Order::Priority),
        1 => (agent(), any::<bool>()).prop_map(|(agent, offline)| Order::Force { agent, offline }),
    ]
}

fn arrival() -> impl Strategy<Value = Wish> {
    let preferred = prop_oneof![1 => Just(Vec::new()), 1 => vec(agent(), 1..4)];
    let priority = prop_oneof![2 => Just(0_u8), 1 => 0_u8..=100];
    (option::weighted(0.1, any::<u8>()), known(), known(), needs(), priority, preferred, about()).prop_map(
        |(reused, channel, queue, needs, priority, preferred, about)| Wish::Arrive {
            reused,
            channel,
            queue,
            needs,
            priority,
            preferred,
            about,
        },
    )
}

fn about() -> impl Strategy<Value = About> {
    let whose = prop_oneof![6 => Just(Skew::Fits), 2 => Just(Skew::GoneContact), 1 => Just(Skew::UnknownContact)];
    let case = option::weighted(0.4, (any::<u8>(), whose));
    let seldom = || prop_oneof![4 => Just(false), 1 => Just(true)];
    (case, any::<bool>(), seldom(), seldom(), option::weighted(0.2, known()), option::weighted(0.2, known())).prop_map(
        |(case, message, by_system, rests, entry_point, topic)| About {
            case,
            message,
            by_system,
            reopens: !rests,
            entry_point,
            topic,
        },
    )
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![3 => Just(Said::Failed), 2 => Just(Said::Done), 2 => Just(Said::Retry), 1 => Just(Said::Discard)]
}

fn declaration() -> impl Strategy<Value = Wish> {
    let memberships = vec((known(), 0_u8..3), 0..4);
    let channels = vec((known(), option::weighted(0.3, 0_u8..4)), 0..4);
    let capacity = option::weighted(0.3, prop_oneof![Just(0_u32), Just(50), Just(100), Just(250)]);
    (agent(), vec((known(), 1_u8..=10), 0..4), memberships, channels, capacity).prop_map(
        |(agent, skills, memberships, channels, capacity)| Wish::Declare { agent, skills, memberships, channels, capacity },
    )
}

fn wrong() -> impl Strategy<Value = Wrong> {
    prop_oneof![
        8 => Just(Wrong::Nothing),
        1 => Just(Wrong::Stale),
        1 => Just(Wrong::AnotherSite),
        1 => Just(Wrong::NoDeadline),
        1 => Just(Wrong::Bytes),
    ]
}
