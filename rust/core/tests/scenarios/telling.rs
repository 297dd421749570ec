//! A story being told to a router. The twin of `tests/scenarios/story.py`.

use std::collections::{BTreeMap, BTreeSet};

use cordboard_core::words::Id;
use cordboard_core::{codec, render, FrameRef, Router};
use serde::Deserialize;

use crate::language::{duration, ident, say, verb};
use crate::policy;
use crate::value::Value;

pub(crate) struct Telling {
    router: Router,
    now: u64,
    policy: Value,
    facts: u32,
    frames: u64,
    commits: Vec<Vec<u8>>,
    /// Contacts and agents that were heard of.
    known: BTreeSet<(Option<Id>, Option<Id>)>,
}

/// What an explanation says of how many there are by what keeps them apart.
#[derive(Deserialize)]
struct Explained {
    hindrances: BTreeMap<String, usize>,
}

impl Telling {
    pub(crate) fn new() -> Self {
        let mut router = Router::new("default").unwrap();
        let commits = vec![router.take_over(ident("inbox"), 100_000).unwrap()];
        Self { router, now: 100_000, policy: policy::standard(), facts: 0, frames: 0, commits, known: BTreeSet::new() }
    }

    /// The transcript of a block's commands.
    pub(crate) fn tell(&mut self, commands: &[&str]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut together: Option<Vec<&str>> = None;
        let mut rest = commands;
        while let [head, after @ ..] = rest {
            let more = after.iter().take_while(|line| line.starts_with(' ')).count();
            rest = &after[more..];
            match &mut together {
                _ if *head == "frame" => together = Some(Vec::new()),
                Some(facts) => facts.push(head),
                None => lines.extend(self.command(head, &after[..more])),
            }
        }
        if let Some(together) = together {
            let facts: Vec<Vec<u8>> = together.iter().map(|line| say(line, &self.fact_id()).fact).collect();
            lines.extend(self.frame(facts, 0));
        }
        if lines.is_empty() {
            vec!["ok".to_owned()]
        } else {
            lines
        }
    }

    /// One command; `more` are the indented lines below it.
    fn command(&mut self, line: &str, more: &[&str]) -> Vec<String> {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        match name {
            "policy" => self.publish(rest, more),
            "tick" => self.tick(duration(rest)),
            "sleep" => {
                self.now += duration(rest);
                Vec::new()
            }
            "deadline" => {
                vec![self.router.next_deadline().map_or("none".to_owned(), |due| format!("{}.{:03}", due / 1000, due % 1000))]
            }
            "restart" => self.restart(),
            "raw" => {
                self.frames += 1;
                let data = unhex(rest);
                self.step(&[FrameRef { inbox_seq: self.frames, stored_ms: self.now, data: &data }])
            }
            "rawfact" => self.frame(vec![unhex(rest)], 0),
            _ => {
                assert!(verb(name).is_some(), "no command {name}");
                let said = say(line, &self.fact_id());
                self.frame(vec![said.fact], said.late_ms)
            }
        }
    }

    fn publish(&mut self, first: &str, more: &[&str]) -> Vec<String> {
        let mut document = self.policy.clone();
        let Value::Int(version) = *document.get("version") else { panic!("no version") };
        document.set("version", Value::Int(version + 1));
        for change in std::iter::once(&first).chain(more) {
            policy::change(&mut document, change);
        }
        let fact = policy::published(&document, ident(&self.fact_id()));
        let lines = self.frame(vec![fact], 0);
        if lines.iter().any(|line| line.contains("PolicyAdopted")) {
            self.policy = document;
        }
        lines
    }

    /// Time passes, and the router is woken whenever it asks for it.
    fn tick(&mut self, passed_ms: u64) -> Vec<String> {
        let until = self.now + passed_ms;
        let mut lines = Vec::new();
        while let Some(due) = self.router.next_deadline().filter(|due| *due < until) {
            self.now = self.now.max(due);
            lines.extend(self.step(&[]));
            assert!(self.router.next_deadline() != Some(due), "deadline {due} was asked for and nothing came of it");
        }
        self.now = until;
        lines.extend(self.step(&[]));
        lines
    }

    fn frame(&mut self, facts: Vec<Vec<u8>>, late_ms: u64) -> Vec<String> {
        self.frames += 1;
        let data = Value::List(facts.into_iter().map(Value::Bytes).collect()).encode();
        self.step(&[FrameRef { inbox_seq: self.frames, stored_ms: self.now - late_ms, data: &data }])
    }

    fn step(&mut self, frames: &[FrameRef<'_>]) -> Vec<String> {
        let commits = self.router.step(frames, self.now).unwrap();
        assert_eq!(self.router.check(), Vec::<String>::new());
        let mut lines = Vec::new();
        for commit in &commits {
            let text = render(commit).unwrap();
            lines.extend(
                text.lines().filter(|line| !line.starts_with("commit ") && !line.ends_with(" accepted")).map(str::to_owned),
            );
        }
        for commit in &commits {
            self.known.extend(codec::decode_commit(commit).unwrap().entries.iter().map(|entry| (entry.contact, entry.agent)));
        }
        self.explain();
        self.commits.extend(commits);
        lines
    }

    /// Whoever lives can be explained, and between who waits and who could help stands something.
    fn explain(&self) {
        let contacts = self.known.iter().filter_map(|(contact, _)| self.router.explain_contact(contact.as_ref()?.0, 3, self.now));
        let agents = self.known.iter().filter_map(|(_, agent)| self.router.explain_agent(agent.as_ref()?.0, 3, self.now));
        for bytes in contacts.chain(agents) {
            let explained: Explained = rmp_serde::from_slice(&bytes).unwrap();
            assert_eq!(explained.hindrances.get("none"), None);
        }
    }

    /// Go on with a router from the snapshot, after comparing it with the fold of all commits.
    fn restart(&mut self) -> Vec<String> {
        let restored = Router::restore(&self.router.snapshot()).unwrap();
        let mut folded = Router::new("default").unwrap();
        for commit in &self.commits {
            folded.apply(commit).unwrap();
        }
        assert_eq!(restored.state_hash(), self.router.state_hash());
        assert_eq!(folded.state_hash(), self.router.state_hash());
        assert_eq!(restored.next_deadline(), self.router.next_deadline());
        self.router = restored;
        vec!["same".to_owned()]
    }

    fn fact_id(&mut self) -> String {
        self.facts += 1;
        format!("f{}", self.facts)
    }

    /// The journal folds to the same state, and decides again to the same bytes.
    pub(crate) fn verify(&mut self) {
        self.restart();
        let mut again = Router::new("default").unwrap();
        for commit in &self.commits {
            assert_eq!(&again.redecide(commit).unwrap(), commit);
            assert_eq!(again.check(), Vec::<String>::new());
        }
        assert_eq!(again.state_hash(), self.router.state_hash());
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
