//! A policy of nothing but names: every setting has its default. For sites whose policy is not what a test is about.

use cordboard_core::words::Name;
use serde::Serialize;

#[derive(Serialize)]
struct Policy<'a> {
    version: u64,
    site: &'a str,
    skills: Vec<String>,
    channels: Vec<Channel>,
    queues: Vec<Queue>,
}

/// A channel of chats.
#[derive(Serialize)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) presence: &'static str,
    pub(crate) klass: u8,
    pub(crate) answered_on: &'static str,
    pub(crate) cost: u32,
    pub(crate) max_concurrent: u32,
    pub(crate) interruptible_by: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) drain_after_ms: u64,
    pub(crate) drain_percent: u8,
}

pub(crate) fn channel(name: &str) -> Channel {
    let (presence, answered_on) = ("session", "connected");
    Channel { name: name.to_owned(), presence, klass: 2, answered_on, cost: 50, max_concurrent: 2, interruptible_by: Vec::new() }
}

pub(crate) fn queue(name: &str) -> Queue {
    Queue { name: name.to_owned(), drain_after_ms: 0, drain_percent: 100 }
}

/// The bytes of a policy of the site `default`.
pub(crate) fn policy(version: u64, skills: Vec<String>, channels: Vec<Channel>, queues: Vec<Queue>) -> Vec<u8> {
    rmp_serde::to_vec_named(&Policy { version, site: "default", skills, channels, queues }).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A frame of these facts.
pub(crate) fn frame(facts: &[Vec<u8>]) -> Vec<u8> {
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
