//! The policy in force, ready to be asked.

use std::collections::{BTreeMap, BTreeSet};

use crate::calendar::Calendar;
use crate::clock::Clock;
use crate::codec;
use crate::levels::Levels;
use crate::relax::join;
use crate::table::Table;
use crate::words::{
    Availability, ChannelPresence, ChannelProfile, EntryPoint, FreedAgent, Key, Name, NextStep, Order, Policy, QueuePolicy,
    Requirement, SlaPolicy, StepKind, ThresholdAction,
};

/// What goes before everything else.
pub(crate) const EMERGENCY_CLASS: u8 = 0;
/// What nobody waits for at the other end.
const DEFERRABLE_CLASS: u8 = 3;
/// Classes up to this one are of contacts that cannot be put off.
pub(crate) const LIVE_CLASS: u8 = 1;

/// With strict order one step of priority outweighs any difference of due times (ms).
const STRICT_CREDIT_MS: i64 = 10_000_000_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    channels: Table<Name, ChannelProfile>,
    queues: Table<Name, QueuePolicy>,
    skills: Table<Name, ()>,
    reasons: BTreeSet<Name>,
    dispositions: BTreeSet<Name>,
    topics: BTreeSet<Name>,
    entry_points: BTreeMap<Name, usize>,
    promoting: BTreeSet<Name>,
    keeps_floors: bool,
    calendars: BTreeMap<Name, Calendar>,
    /// Entry points that show whether they are open, in the order of the policy.
    doors: Vec<Door>,
    /// Queues whose expected wait somebody asks for.
    paced: BTreeSet<Name>,
    /// Nobody whose desk is lost is at work: from level 4 on.
    pub(crate) asks_for_desks: bool,
}

/// An entry point that shows whether it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Door {
    pub(crate) name: Name,
    pub(crate) channel: Name,
    pub(crate) queue: Name,
    pub(crate) terms: Availability,
}

impl Door {
    fn of(entry_point: &EntryPoint) -> Option<Self> {
        let EntryPoint { name, channel, queue, availability, .. } = entry_point.clone();
        Some(Self { name, channel: channel?, queue: queue?, terms: availability? })
    }
}

impl Rules {
    /// As the level in force has them: what a later one asks of an earlier policy is not looked at before.
    pub(crate) fn at(mut self, levels: &Levels) -> Self {
        if levels.is(4) {
            let asking = self.policy.queues.iter().filter(|queue| queue.expects());
            self.paced.extend(asking.map(|queue| queue.name.clone()));
            self.asks_for_desks = true;
        }
        self
    }

    /// Read a compiled policy. The error says what is wrong with it.
    pub(crate) fn read(bytes: &[u8], site: &Name) -> Result<Self, &'static str> {
        let policy = codec::decode_policy(bytes).map_err(|_| "cannot be read")?;
        if policy.site != *site {
            return Err("is another site's");
        }
        // Who keeps a place in the line is told when it is likely to be reached.
        let calling: Vec<Name> =
            (policy.queues.iter().filter(|queue| queue.callbacks.as_ref().is_some_and(|callbacks| callbacks.hold_place)))
                .map(|queue| queue.name.clone())
                .collect();
        let calendars = policy.calendars.iter().map(|calendar| Ok((calendar.name.clone(), Calendar::read(calendar)?)));
        let calendars = calendars.collect::<Result<_, &'static str>>()?;
        let promoting = policy.queues.iter().filter(|queue| queue.promote_before_ms > 0);
        let doors: Vec<Door> = policy.entry_points.iter().filter_map(Door::of).collect();
        let rules = Self {
            channels: policy.channels.iter().map(|channel| (channel.name.clone(), channel.clone())).collect(),
            queues: policy.queues.iter().map(|queue| (queue.name.clone(), queue.clone())).collect(),
            skills: policy.skills.iter().map(|skill| (skill.clone(), ())).collect(),
            reasons: policy.reasons.iter().map(|reason| reason.name.clone()).collect(),
            dispositions: policy.dispositions.iter().cloned().collect(),
            topics: policy.topics.iter().map(|topic| topic.name.clone()).collect(),
            entry_points: policy
                .entry_points
                .iter()
                .zip(0..)
                .map(|(entry_point, number)| (entry_point.name.clone(), number))
                .collect(),
            promoting: promoting.map(|queue| queue.name.clone()).collect(),
            asks_for_desks: false,
            paced: doors.iter().map(|door| door.queue.clone()).chain(calling).collect(),
            doors,
            keeps_floors: policy.queues.iter().any(|queue| !queue.floors.is_empty()),
            calendars,
            policy,
        };
        rules.check().map(|()| rules)
    }

    fn check(&self) -> Result<(), &'static str> {
        let policy = &self.policy;
        if self.channels.len() != policy.channels.len() || self.queues.len() != policy.queues.len() {
            return Err("names a channel or queue twice");
        }
        if self.calendars.len() != policy.calendars.len() {
            return Err("names a calendar twice");
        }
        if policy.channels.iter().any(|channel| channel.offer_ttl_ms == 0 || channel.connect_ms == 0) {
            return Err("has a channel without an offer or connect deadline");
        }
        if !policy.days_ms.is_sorted_by(|day, next| day < next) {
            return Err("has days that are not in their order");
        }
        self.check_doors()?;
        if policy.supervisor_queue.as_ref().is_some_and(|name| !self.queues.contains_key(name)) {
            return Err("names an unknown supervisor queue");
        }
        for queue in &policy.queues {
            if !queue.targets_ms.keys().all(|channel| self.channels.contains_key(channel)) {
                return Err("sets a target for an unknown channel");
            }
            if !self.knows_skills(&queue.requirements) {
                return Err("requires an unknown skill");
            }
            self.check_plan(queue)?;
            self.check_thresholds(queue)?;
            if queue.overflow.as_ref().is_some_and(|to| !self.queues.contains_key(to)) {
                return Err("overflows to an unknown queue");
            }
            if queue.calendar.as_ref().is_some_and(|name| !self.calendars.contains_key(name)) {
                return Err("opens by an unknown calendar");
            }
        }
        self.check_slas()
    }

    fn check_slas(&self) -> Result<(), &'static str> {
        let slas = &self.policy.slas;
        if slas.iter().map(|sla| &sla.name).collect::<BTreeSet<_>>().len() != slas.len() {
            return Err("names an SLA twice");
        }
        for sla in slas {
            if sla.target_ms == 0 {
                return Err("has an SLA without a target");
            }
            let queues = sla.queues.iter().all(|name| self.queues.contains_key(name));
            if !queues || !sla.channels.iter().all(|name| self.channels.contains_key(name)) {
                return Err("has an SLA for an unknown queue or channel");
            }
            if sla.calendar.as_ref().is_some_and(|name| !self.calendars.contains_key(name)) {
                return Err("has an SLA in the time of an unknown calendar");
            }
        }
        Ok(())
    }

    fn check_doors(&self) -> Result<(), &'static str> {
        let asked = self.policy.entry_points.iter().filter(|entry_point| entry_point.availability.is_some()).count();
        let names: BTreeSet<&Name> = self.doors.iter().map(|door| &door.name).collect();
        if asked > names.len() {
            return Err("has a door that leads nowhere, or twice");
        }
        let known = |door: &Door| self.queues.contains_key(&door.queue) && self.channels.contains_key(&door.channel);
        self.doors.iter().all(known).then_some(()).ok_or("has a door to an unknown queue or channel")
    }

    /// Does any threshold offer next steps?
    pub(crate) fn names_next_steps(&self) -> bool {
        let mut thresholds = self.policy.queues.iter().flat_map(|queue| &queue.thresholds);
        thresholds.any(|threshold| threshold.action == ThresholdAction::NextSteps)
    }

    /// Is each threshold one instant, said in words that are known?
    pub(crate) fn sets_instants(&self, expected_is_known: bool) -> bool {
        let mut thresholds = self.policy.queues.iter().flat_map(|queue| &queue.thresholds);
        thresholds.all(|threshold| {
            let timed = threshold.wait_ms.is_some() || threshold.target_percent.is_some();
            timed != (expected_is_known && threshold.expected_wait_ms.is_some())
        })
    }

    /// Every list ends with what is always possible, so that there is always a next step. Only where there are any at all: what is adopted
    /// before them is not asked.
    pub(crate) fn check_next_steps(&self) -> Result<(), &'static str> {
        for steps in self.policy.entry_points.iter().map(|entry_point| &entry_point.next_steps) {
            let told = steps.iter().position(|step| step.kind == StepKind::Message);
            if !steps.is_empty() && told != Some(steps.len() - 1) {
                return Err("has next steps that do not end with a message");
            }
            let once: BTreeSet<_> = steps.iter().map(|step| (step.kind, &step.to)).collect();
            if once.len() < steps.len() || !steps.iter().all(|step| self.leads_on(step)) {
                return Err("has a next step that leads nowhere, or twice");
            }
        }
        Ok(())
    }

    fn leads_on(&self, step: &NextStep) -> bool {
        let queue = step.queue.as_ref().and_then(|name| self.queue(name));
        let channel = step.channel.as_ref().and_then(|name| self.channel(name));
        match step.kind {
            StepKind::Callback => channel.is_some() && queue.is_some_and(|queue| queue.callbacks.is_some()),
            StepKind::Queue => queue.is_some(),
            StepKind::Voicemail | StepKind::Form | StepKind::Mail => {
                queue.is_some() && channel.is_some_and(|channel| channel.presence == ChannelPresence::Async) && step.to.is_some()
            }
            StepKind::Message => step.to.is_none(),
        }
    }

    fn check_plan(&self, queue: &QueuePolicy) -> Result<(), &'static str> {
        if queue.plan.windows(2).any(|steps| steps[0].after_ms >= steps[1].after_ms) {
            return Err("has a plan whose steps do not follow each other");
        }
        for step in &queue.plan {
            let replaced = step
                .replace
                .iter()
                .all(|replacement| self.knows_skill(&replacement.skill) && self.knows_skill(&replacement.by.skill));
            if !replaced || !self.knows_skills(&step.lower) || !step.drop.iter().all(|skill| self.knows_skill(skill)) {
                return Err("relaxes an unknown skill");
            }
            if !step.queues.iter().all(|name| self.queues.contains_key(name)) {
                return Err("adds an unknown queue");
            }
        }
        Ok(())
    }

    fn check_thresholds(&self, queue: &QueuePolicy) -> Result<(), &'static str> {
        for threshold in &queue.thresholds {
            let given = [threshold.wait_ms.is_some(), threshold.target_percent.is_some(), threshold.expected_wait_ms.is_some()];
            // What is expected is not looked at beside the others: they stood there before it could be said.
            if given == [false; 3] || given[..2] == [true; 2] {
                return Err("has a threshold that is no instant, or two");
            }
            let known = threshold.queue.as_ref().map(|to| self.queues.contains_key(to));
            if known == Some(false) || (threshold.action == ThresholdAction::Overflow && known.is_none()) {
                return Err("overflows to an unknown queue");
            }
        }
        Ok(())
    }

    pub(crate) fn channel(&self, name: &Name) -> Option<&ChannelProfile> {
        self.channels.get(name)
    }

    /// Somebody waits at the other end.
    pub(crate) fn customer_is_there(&self, channel: &Name) -> bool {
        self.channel(channel).is_some_and(|profile| profile.presence != ChannelPresence::Async)
    }

    pub(crate) fn queue(&self, name: &Name) -> Option<&QueuePolicy> {
        self.queues.get(name)
    }

    pub(crate) fn knows_skill(&self, name: &Name) -> bool {
        self.skills.contains_key(name)
    }

    pub(crate) fn knows_skills(&self, requirements: &[Requirement]) -> bool {
        requirements.iter().all(|need| self.knows_skill(&need.skill))
    }

    pub(crate) fn knows_reason(&self, name: &Name) -> bool {
        self.reasons.contains(name)
    }

    pub(crate) fn knows_disposition(&self, name: &Name) -> bool {
        self.dispositions.contains(name)
    }

    pub(crate) fn knows_topic(&self, name: &Name) -> bool {
        self.topics.contains(name)
    }

    pub(crate) fn knows_entry_point(&self, name: &Name) -> bool {
        self.entry_points.contains_key(name)
    }

    pub(crate) fn entry_point(&self, name: &Name) -> Option<&EntryPoint> {
        self.policy.entry_points.get(*self.entry_points.get(name)?)
    }

    /// What a contact needs in a queue: its own wishes and the queue's; the higher level wins, hard wins.
    pub(crate) fn requirements(wishes: &[Requirement], queue: &QueuePolicy) -> Vec<Requirement> {
        let mut needs: Vec<Requirement> = Vec::with_capacity(wishes.len() + queue.requirements.len());
        for wish in wishes.iter().chain(&queue.requirements) {
            join(&mut needs, wish.clone());
        }
        needs
    }

    pub(crate) fn target_ms(queue: &QueuePolicy, channel: &Name) -> u64 {
        queue.targets_ms.get(channel).copied().unwrap_or(queue.target_ms)
    }

    /// The place in the order (ROUTING: class, due time less priority credit, arrival).
    pub(crate) fn key(&self, klass: u8, queued_at_ms: u64, target_ms: u64, priority: u8, seq: u64) -> Key {
        let credit_ms = self.credit_ms();
        let due_ms = i64::try_from(queued_at_ms.saturating_add(target_ms)).unwrap_or(i64::MAX / 2);
        Key { klass, order_ms: due_ms - i64::from(priority) * credit_ms, seq }
    }

    /// When whoever has this key is due, by what a step of priority is worth today.
    pub(crate) fn due_ms(&self, key: Key, priority: u8) -> u64 {
        let due_ms = key.order_ms.saturating_add(i64::from(priority) * self.credit_ms());
        u64::try_from(due_ms).unwrap_or(0)
    }

    /// The key of another priority: class, due time and arrival stay.
    pub(crate) fn reprioritised(&self, key: Key, from: u8, to: u8) -> Key {
        let credit_ms = (i64::from(to) - i64::from(from)) * self.credit_ms();
        // What a step is worth may change from policy to policy: the steps up and down do not cancel out.
        Key { order_ms: key.order_ms.saturating_sub(credit_ms), ..key }
    }

    /// What one step of priority is worth.
    fn credit_ms(&self) -> i64 {
        match self.policy.order {
            Order::Urgency => i64::try_from(self.policy.age_credit_ms).unwrap_or(i64::MAX / 256),
            Order::Strict => STRICT_CREDIT_MS,
        }
    }

    /// When the queue is open. None: always.
    pub(crate) fn calendar(&self, queue: &QueuePolicy) -> Option<&Calendar> {
        self.calendars.get(queue.calendar.as_ref()?)
    }

    /// Some queue may have hours.
    pub(crate) fn has_calendars(&self) -> bool {
        !self.calendars.is_empty()
    }

    /// The time that counts for contacts of the channel in the queue.
    pub(crate) fn clock(&self, queue: &QueuePolicy, channel: &Name) -> Clock<'_> {
        let deferrable = |profile: &ChannelProfile| profile.presence == ChannelPresence::Async || profile.klass == DEFERRABLE_CLASS;
        Clock(self.calendar(queue).filter(|_| self.channel(channel).is_some_and(deferrable)))
    }

    /// Something is promised to contacts.
    pub(crate) fn has_slas(&self) -> bool {
        !self.policy.slas.is_empty()
    }

    pub(crate) fn sla(&self, name: &Name) -> Option<&SlaPolicy> {
        self.policy.slas.iter().find(|sla| sla.name == *name)
    }

    /// In whose time the SLA counts. None: around the clock.
    pub(crate) fn sla_calendar(&self, name: &Name) -> Option<&Calendar> {
        self.calendars.get(self.sla(name)?.calendar.as_ref()?)
    }

    /// Some SLA is for customers of this segment.
    pub(crate) fn slas_ask_for(&self, segment: &Name) -> bool {
        self.policy.slas.iter().any(|sla| sla.segments.contains(segment))
    }

    /// The first day after this instant.
    pub(crate) fn next_day(&self, after_ms: u64) -> Option<u64> {
        let days = &self.policy.days_ms;
        days.get(days.partition_point(|day| *day <= after_ms)).copied()
    }

    /// Some queue promotes deferrable work.
    pub(crate) fn promotes(&self) -> bool {
        !self.promoting.is_empty()
    }

    /// Members are to be kept on some class of some queue.
    pub(crate) fn keeps_floors(&self) -> bool {
        self.keeps_floors
    }

    /// Somebody asks for the expected wait of the queue.
    pub(crate) fn paces(&self, queue: &Name) -> bool {
        self.paces_any() && self.paced.contains(queue)
    }

    pub(crate) fn paces_any(&self) -> bool {
        !self.paced.is_empty()
    }

    /// The doors to a queue, each with its number in the policy.
    pub(crate) fn doors_to<'a>(&'a self, queue: &'a Name) -> impl Iterator<Item = (u16, &'a Door)> {
        (0..).zip(&self.doors).filter(move |(_, door)| door.queue == *queue)
    }

    pub(crate) fn doors(&self) -> &[Door] {
        &self.doors
    }

    pub(crate) fn door(&self, number: u16) -> Option<&Door> {
        self.doors.get(usize::from(number))
    }

    /// The number of an entry point's door.
    pub(crate) fn door_of(&self, entry_point: &Name) -> Option<u16> {
        (0..).zip(&self.doors).find(|(_, door)| door.name == *entry_point).map(|(number, _)| number)
    }

    /// Queues that promote deferrable work, in order of name.
    pub(crate) fn promoting(&self) -> impl Iterator<Item = &Name> {
        self.promoting.iter()
    }

    pub(crate) fn by_rank(&self) -> bool {
        self.policy.freed_agent == FreedAgent::RankThenKey
    }
}
