//! The stories' policy as a document that lines change. The twin of `tests/scenarios/policy.py`.

use crate::language::{duration, value};
use crate::value::Value;

const STANDARD: &str = include_str!("../../../../tests/scenarios/standard.policy");
const LISTS: [(&str, &str); 9] = [
    ("skill", "skills"),
    ("channel", "channels"),
    ("queue", "queues"),
    ("reason", "reasons"),
    ("disposition", "dispositions"),
    ("topic", "topics"),
    ("entry_point", "entry_points"),
    ("calendar", "calendars"),
    ("sla", "slas"),
];

/// The document in standard.policy.
pub(crate) fn standard() -> Value {
    let mut document = Value::Map(vec![("version".to_owned(), Value::Int(0))]);
    for (_, list) in LISTS {
        document.set(list, Value::List(Vec::new()));
    }
    for line in STANDARD.lines() {
        change(&mut document, line);
    }
    document
}

/// `name=value …` sets, `queue name key=value …` adds or changes, `drop queue name` removes, `step queue key=value …` adds to its plan.
pub(crate) fn change(document: &mut Value, line: &str) {
    let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
    match words.as_slice() {
        [] => {}
        ["drop", kind, name] => document.get(list(kind).unwrap()).list().retain(|item| !is_named(item, name)),
        [kind @ ("skill" | "disposition"), name] => document.get(list(kind).unwrap()).list().push(Value::text(name)),
        ["callbacks", name, settings @ ..] => {
            let queue = document.get("queues").list().iter_mut().find(|item| is_named(item, name)).unwrap();
            let mut callbacks = Value::Map(Vec::new());
            set(&mut callbacks, settings);
            queue.set("callbacks", callbacks);
        }
        [part, name, settings @ ..] if plural(part).is_some() => {
            let queue = document.get("queues").list().iter_mut().find(|item| is_named(item, name)).unwrap();
            let mut new = Value::Map(Vec::new());
            set(&mut new, settings);
            let key = plural(part).unwrap();
            if !queue.map().iter().any(|(name, _)| name == key) {
                queue.set(key, Value::List(Vec::new()));
            }
            queue.get(key).list().push(new);
        }
        ["door", name, settings @ ..] => {
            let door = document.get("entry_points").list().iter_mut().find(|item| is_named(item, name)).unwrap();
            let mut shown = Value::Map(Vec::new());
            set(&mut shown, settings);
            door.set("availability", shown);
        }
        ["next_step", name, step] => {
            let door = document.get("entry_points").list().iter_mut().find(|item| is_named(item, name)).unwrap();
            if !door.map().iter().any(|(name, _)| name == "next_steps") {
                door.set("next_steps", Value::List(Vec::new()));
            }
            let parts = step.split(':').map(|part| if part == "-" { Value::Nil } else { Value::text(part) });
            door.get("next_steps").list().push(Value::List(parts.collect()));
        }
        [kind, name, settings @ ..] if list(kind).is_some() => {
            let items = document.get(list(kind).unwrap()).list();
            if !items.iter().any(|item| is_named(item, name)) {
                items.push(Value::Map(vec![("name".to_owned(), Value::text(name))]));
            }
            let item = items.iter_mut().find(|item| is_named(item, name)).unwrap();
            set(item, settings);
        }
        settings => set(document, settings),
    }
}

/// The fact that publishes the document.
pub(crate) fn published(document: &Value, fact_id: [u8; 16]) -> Vec<u8> {
    Value::List(vec![Value::Int(15), Value::Bytes(fact_id.to_vec()), Value::Bytes(document.encode())]).encode()
}

/// What a queue has several of.
fn plural(part: &str) -> Option<&'static str> {
    match part {
        "step" => Some("plan"),
        "threshold" => Some("thresholds"),
        "floor" => Some("floors"),
        _ => None,
    }
}

fn list(kind: &str) -> Option<&'static str> {
    LISTS.iter().find(|(name, _)| *name == kind).map(|(_, list)| *list)
}

fn is_named(item: &Value, name: &str) -> bool {
    match item {
        Value::Map(entries) => entries.contains(&("name".to_owned(), Value::text(name))),
        item => *item == Value::text(name),
    }
}

fn set(item: &mut Value, settings: &[&str]) {
    for setting in settings {
        let (key, text) = setting.split_once('=').unwrap();
        item.set(key, typed(key, text));
    }
}

/// A setting as the policy's own type.
fn typed(key: &str, text: &str) -> Value {
    let ms = |text: &str| Value::Int(i64::try_from(duration(text)).unwrap());
    match key {
        "requirements" | "lower" => value("requirements", text),
        "weeks" => Value::List(text.split('/').map(week).collect()),
        "order" if text.starts_with(|first: char| first.is_ascii_digit()) => numbers(text.split(',')),
        "calendar" if text.is_empty() => Value::Nil,
        "replace" => Value::List(text.split(',').map(replacement).collect()),
        "admit_unstaffed" | "hold_place" | "offer_missed" | "join_waiting" | "release_preference" | "listen_only" | "internal" => {
            Value::Bool(text == "on")
        }
        "targets_ms" => Value::Map(
            text.split(',').filter_map(|item| item.split_once(':')).map(|(name, after)| (name.to_owned(), ms(after))).collect(),
        ),
        "days_ms" | "rank_delays_ms" => Value::List(text.split(',').filter(|after| !after.is_empty()).map(ms).collect()),
        "interruptible_by" | "drop" | "queues" | "channels" | "segments" | "plan" | "thresholds" | "floors" => {
            Value::List(text.split(',').filter(|name| !name.is_empty()).map(Value::text).collect())
        }
        key if key.ends_with("_ms") => ms(text),
        _ => text.parse().map_or_else(|_| Value::text(text), Value::Int),
    }
}

/// `540-1020,1980-2460`: openings and closings in minutes.
fn week(text: &str) -> Value {
    numbers(text.split([',', '-']).filter(|minute| !minute.is_empty()))
}

fn numbers<'a>(texts: impl Iterator<Item = &'a str>) -> Value {
    Value::List(texts.map(|text| Value::Int(text.parse().unwrap())).collect())
}

/// `nl.written:en.written:6:en`: one skill for another, if the customer accepts the language.
fn replacement(item: &str) -> Value {
    let parts: Vec<&str> = item.split(':').collect();
    let by = Value::List(vec![Value::text(parts[1]), Value::Int(parts[2].parse().unwrap()), Value::Bool(false)]);
    let language = parts.get(3).map_or(Value::Nil, |language| Value::text(language));
    Value::Map(vec![("skill".to_owned(), Value::text(parts[0])), ("by".to_owned(), by), ("language".to_owned(), language)])
}
