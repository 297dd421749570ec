//! A site: its state, and the index derived from it. They change together, and only in `apply`.

use crate::index::{Index, Who};
use crate::places::seed_of;
use crate::rules::Rules;
use crate::state::{Agent, Contact, State};
use crate::words::{Id, Key, Name};

#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) state: State,
    pub(crate) index: Index,
}

impl Site {
    pub(crate) fn new(mut state: State) -> Result<Self, String> {
        state.seed_tables(state.seed());
        let index = Index::of(&state)?;
        Ok(Self { state, index })
    }

    /// Whoever reads the inbox for the first time has its id to look for others by.
    pub(crate) fn seed(&mut self, inbox_id: Id) {
        let seed = seed_of(inbox_id);
        self.state.seed_tables(seed);
        self.index.seed(seed);
    }

    pub(crate) fn rules(&self) -> Option<&Rules> {
        self.index.rules.as_ref()
    }

    pub(crate) fn contact(&self, id: &Id) -> Option<&Contact> {
        self.state.contacts.get(id)
    }

    pub(crate) fn agent(&self, id: &Id) -> Option<&Agent> {
        self.state.agents.get(id)
    }

    /// When the next day of the site begins.
    pub(crate) fn next_day(&self) -> Option<u64> {
        self.rules()?.next_day(self.state.day_ms)
    }

    /// The live contact of a case on a channel that arrived last. Who was promised a call and calls is somebody else than who is to be called.
    pub(crate) fn live_in_case(&self, case: Id, channel: &Name) -> Option<Id> {
        let first = self.contact(&case).filter(|first| first.channel == *channel && first.case.is_none_or(|own| own == case));
        let called = |id: &Id| self.state.promises.get(id).is_some();
        let first = first.map(|first| (first.key.seq, case)).filter(|(_, id)| !called(id));
        first.max(self.index.in_case(case, channel).find(|(_, id)| !called(id))).map(|(_, id)| id)
    }

    /// Contacts of a case that live, or are promised a call.
    pub(crate) fn live_of_case(&self, case: Id) -> Vec<Id> {
        let first = self.case_of(&case).filter(|own| *own == case);
        let channels = self.rules().into_iter().flat_map(|rules| &rules.policy.channels);
        let others = channels.flat_map(|channel| self.index.others_in_case(case, &channel.name));
        let promised = self.index.promised.in_case(&case).filter(|id| self.contact(id).is_none());
        first.into_iter().chain(others).chain(promised).collect()
    }

    /// The case of a contact that lives or is promised a call.
    pub(crate) fn case_of(&self, id: &Id) -> Option<Id> {
        let promised = || self.state.promises.get(id).map(|promise| promise.case_of(*id));
        self.contact(id).map(|contact| contact.case_of(*id)).or_else(promised)
    }

    /// A policy promises something to contacts, or did.
    pub(crate) fn has_clocks(&self) -> bool {
        self.rules().is_some_and(Rules::has_slas) || self.state.slas.are_running()
    }

    /// Queued contacts after that one, in key order. It sorts them: for rare events.
    pub(crate) fn line_after(&self, after: Option<Key>) -> Vec<(Key, Id)> {
        let waiting = self.state.contacts.iter().filter(|(_, contact)| contact.looks()).map(|(id, contact)| (contact.key, *id));
        let mut line: Vec<(Key, Id)> = waiting.filter(|(key, _)| after.is_none_or(|after| *key > after)).collect();
        line.sort_unstable();
        line
    }

    /// Does a deadline live whose passing somebody would notice within seconds?
    pub(crate) fn has_short_deadline(&self) -> bool {
        !self.index.timers.is_empty()
    }

    /// A contact comes to be, or begins a visit.
    pub(crate) fn add_contact(&mut self, id: Id, contact: Contact) {
        self.state.contacts.insert(id, contact);
        if let Some(who) = Who::among(&self.state.contacts, id) {
            if let Some(contact) = self.state.contacts.at(who.slot) {
                self.index.enter_contact(who, contact);
            }
        }
    }

    /// It is gone, or its visit is over.
    pub(crate) fn take_contact(&mut self, id: Id) -> Option<Contact> {
        let who = Who::among(&self.state.contacts, id)?;
        let contact = self.state.contacts.remove(&id)?;
        self.index.leave_contact(who, &contact);
        Some(contact)
    }

    /// Change a contact, with its index entries. The error says that there is no such contact.
    pub(crate) fn change_contact<T>(&mut self, id: Id, change: impl FnOnce(&mut Contact) -> T) -> Result<T, String> {
        let held = self.state.contacts.get_mut_with_slot(&id);
        let (slot, contact) = held.ok_or_else(|| unknown("contact", id))?;
        let who = Who { id, slot };
        self.index.remove_contact(who, contact);
        let outcome = change(contact);
        self.index.add_contact(who, contact);
        Ok(outcome)
    }

    /// Change what no index knows of a contact.
    pub(crate) fn note_contact<T>(&mut self, id: Id, change: impl FnOnce(&mut Contact) -> T) -> Result<T, String> {
        self.state.contacts.get_mut(&id).map(change).ok_or_else(|| unknown("contact", id))
    }

    /// Change what no index knows of an agent.
    pub(crate) fn note_agent<T>(&mut self, id: Id, change: impl FnOnce(&mut Agent) -> T) -> Result<T, String> {
        self.state.agents.get_mut(&id).map(change).ok_or_else(|| unknown("agent", id))
    }

    /// Change an agent, with its index entries. Its memberships change only by a declaration (`register_agent`), and hardly any change makes it
    /// ready or not: its place among the ready ones is touched only then.
    pub(crate) fn change_agent<T>(&mut self, id: Id, change: impl FnOnce(&mut Agent) -> T) -> Result<T, String> {
        let held = self.state.agents.get_mut_with_slot(&id);
        let (slot, agent) = held.ok_or_else(|| unknown("agent", id))?;
        let who = Who { id, slot };
        let ready = agent.ready();
        self.index.remove_work(who, agent);
        let outcome = change(agent);
        self.index.add_work(who, agent);
        match (ready, agent.ready()) {
            (false, true) => self.index.add_ready(id, agent),
            (true, false) => self.index.remove_ready(id, agent),
            (true, true) | (false, false) => {}
        }
        Ok(outcome)
    }
}

#[cold]
fn unknown(what: &str, id: Id) -> String {
    format!("there is no {what} {id:?}")
}
