//! What sets the site up: the policy, and agents who declare themselves and are ready. Nobody measures it, so the core's own words serve.

use std::collections::BTreeSet;

use cordboard_core::words::{
    AgentChannel, AgentRegistered, Event, Fact, Policy, PolicyAdopted, Presence, PresenceCause, PresenceChanged,
};
use cordboard_core::{codec, words};
use sha2::{Digest, Sha256};

use super::words::{Id, Room};
use super::{accepted, Agent, BareSteps, Came};

/// Of the policy, what the rules need.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) version: u64,
    pub(super) channel: Vec<u8>,
    pub(super) queue: Vec<u8>,
    /// As they stand on the wire.
    pub(super) channel_form: Vec<u8>,
    pub(super) queue_form: Vec<u8>,
    pub(super) strategy_form: Vec<u8>,
    pub(super) skills: BTreeSet<Vec<u8>>,
    pub(super) target_ms: u64,
    pub(super) offer_ttl_ms: u64,
    pub(super) connect_ms: u64,
    pub(super) cost: u64,
    klass: u8,
    age_credit_ms: i64,
    whole: Option<Policy>,
}

impl Rules {
    fn of(policy: &Policy) -> Self {
        let ([queue], [channel]) = (policy.queues.as_slice(), policy.channels.as_slice()) else {
            panic!("one queue, one channel");
        };
        Self {
            version: policy.version,
            channel: channel.name.as_bytes().to_vec(),
            queue: queue.name.as_bytes().to_vec(),
            channel_form: form(&channel.name),
            queue_form: form(&queue.name),
            strategy_form: form("longest_idle"),
            skills: policy.skills.iter().map(|skill| skill.as_bytes().to_vec()).collect(),
            target_ms: queue.targets_ms.get(&channel.name).copied().unwrap_or(queue.target_ms),
            offer_ttl_ms: channel.offer_ttl_ms,
            connect_ms: channel.connect_ms,
            cost: u64::from(channel.cost),
            klass: channel.klass,
            age_credit_ms: policy.age_credit_ms.try_into().unwrap(),
            whole: Some(policy.clone()),
        }
    }

    pub(super) fn order_ms(&self, t_ms: u64, priority: u8) -> i64 {
        (t_ms + self.target_ms).cast_signed() - i64::from(priority) * self.age_credit_ms
    }

    /// A key as it stands on the wire.
    #[inline]
    pub(super) fn key(&self, room: &mut Room, order_ms: i64, seq: u32) {
        room.put([0x93, self.klass]);
        room.uint(order_ms.try_into().expect("nobody is due before the epoch"));
        room.uint(u64::from(seq));
    }
}

fn form(text: &str) -> Vec<u8> {
    let mut form = vec![0xa0 | u8::try_from(text.len()).unwrap()];
    form.extend_from_slice(text.as_bytes());
    form
}

impl BareSteps {
    pub(super) fn prepare(&mut self, came: Came<'_>) {
        #[allow(clippy::wildcard_enum_match_arm)] // the workload has these three
        match codec::decode_fact(came.raw).unwrap() {
            Fact::PolicyPublished(published) => {
                self.rules = Rules::of(&codec::decode_policy(&published.policy).unwrap());
                let cause = self.input(came, None, None, false, accepted);
                let digest = words::Digest(Sha256::digest(&published.policy).into());
                let (at_ms, version) = (self.t_ms, self.rules.version);
                let adopted = PolicyAdopted { at_ms, version, digest, policy: published.policy };
                self.record(5, None, cause, &adopted.into());
            }
            Fact::AgentDeclared(declared) => {
                let policy = self.rules.whole.as_ref().expect("a policy is in force");
                let skills = declared.skills.iter().map(|skill| (skill.skill.as_bytes().into(), skill.level)).collect();
                let channel = &policy.channels[0];
                let registered = AgentRegistered {
                    at_ms: self.t_ms,
                    skills: declared.skills,
                    memberships: declared.memberships,
                    channels: vec![AgentChannel {
                        channel: channel.name.clone(),
                        cost: Some(channel.cost),
                        max_concurrent: Some(channel.max_concurrent),
                    }],
                    capacity: policy.capacity,
                };
                let id = declared.agent.0;
                let slot = u32::try_from(self.agents.len()).unwrap();
                assert!(self.classes.is_empty() && self.agent_slots.insert(id, slot).is_none());
                self.agents.push(Agent { id, skills, served: Vec::new(), idle_since_ms: None });
                let cause = self.input(came, None, Some(&id), false, accepted);
                self.record(30, Some(&id), cause, &registered.into());
            }
            Fact::PresenceRequested(requested) => {
                assert!(requested.presence == Presence::Ready);
                let id = requested.agent.0;
                let cause = self.input(came, None, Some(&id), false, accepted);
                let changed = PresenceChanged {
                    at_ms: self.t_ms,
                    requested: Presence::Ready,
                    requested_reason: None,
                    effective: Presence::Ready,
                    effective_reason: None,
                    idle_since_ms: self.t_ms,
                    cause: PresenceCause::Requested,
                };
                self.record(32, Some(&id), cause, &changed.into());
                self.fill(self.agent_slots[&id], cause);
            }
            other => panic!("the workload has no {other:?}"),
        }
    }

    fn record(&mut self, tag: u8, agent: Option<&Id>, cause: u32, event: &Event) {
        let body = codec::encode_event(event);
        self.room.make(body.len() + 64);
        self.line(tag, None, agent, false, cause);
        self.room.bin(|room| room.raw(&body));
    }
}
