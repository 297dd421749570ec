//! The language of the stories: a line is a fact. The twin of `tests/scenarios/language.py`; both read grammar.txt.

use std::collections::BTreeMap;

use crate::value::Value;

const GRAMMAR: &str = include_str!("../../../../tests/scenarios/grammar.txt");

/// A fact as bytes, and how long before now the log stored it.
pub(crate) struct Said {
    pub(crate) fact: Vec<u8>,
    pub(crate) late_ms: u64,
}

/// An id is its name, padded with zero bytes.
pub(crate) fn ident(text: &str) -> [u8; 16] {
    let mut id = [0; 16];
    id[..text.len()].copy_from_slice(text.as_bytes());
    id
}

/// `20s`, `1500ms`, `8h` in milliseconds.
pub(crate) fn duration(text: &str) -> u64 {
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or_else(|| panic!("no unit: {text}"));
    let unit = match &text[split..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        other => panic!("no unit {other}"),
    };
    text[..split].parse::<u64>().unwrap() * unit
}

/// The grammar's line for a verb: the fact's tag and its fields.
pub(crate) fn verb(name: &str) -> Option<(i64, Vec<&'static str>)> {
    let mut lines = GRAMMAR.lines().filter(|line| !line.starts_with('#')).map(str::split_whitespace);
    let mut words = lines.find(|line| line.clone().next() == Some(name))?.skip(1);
    let tag = words.next()?.parse().unwrap();
    Some((tag, words.collect()))
}

/// The fact that a line says.
pub(crate) fn say(line: &str, default_id: &str) -> Said {
    let mut words = line.split_whitespace();
    let (tag, kinds) = verb(words.next().unwrap()).unwrap();
    let (options, positional): (Vec<&str>, Vec<&str>) = words.partition(|word| word.contains('='));
    let mut options: BTreeMap<&str, &str> = options.into_iter().map(|word| word.split_once('=').unwrap()).collect();
    let mut positional = positional.into_iter();
    let id = ident(options.remove("id").unwrap_or(default_id));
    let late_ms = options.remove("late").map_or(0, duration);
    let mut fields = vec![Value::Int(tag), Value::Bytes(id.to_vec())];
    for kind in kinds {
        fields.push(if kind.starts_with('!') {
            Value::Bool(kind == "!true")
        } else if let Some((_, kind)) = kind.split_once(':') {
            value(kind, positional.next().unwrap_or_else(|| panic!("too short: {line}")))
        } else {
            let (name, kind) = kind.split_once('=').unwrap();
            let bare = kind.trim_end_matches('?').split('(').next().unwrap();
            options.remove(name).map_or_else(|| default(kind), |text| value(bare, text))
        });
    }
    assert!(options.is_empty() && positional.next().is_none(), "left over in: {line}");
    Said { fact: Value::List(fields).encode(), late_ms }
}

/// What an option is that was not given.
fn default(kind: &str) -> Value {
    match kind {
        "int" => Value::Int(0),
        kind if kind.ends_with('?') => Value::Nil,
        kind => kind.split_once('(').map_or(Value::List(Vec::new()), |(kind, text)| value(kind, text.trim_end_matches(')'))),
    }
}

/// A field's value.
pub(crate) fn value(kind: &str, text: &str) -> Value {
    match kind {
        "id" => Value::Bytes(ident(text).to_vec()),
        "word" => Value::text(text),
        "int" => int(text),
        "onoff" => Value::Bool(text == "on"),
        "duration" => Value::Int(i64::try_from(duration(text)).unwrap()),
        _ => Value::List(text.split(',').filter(|item| !item.is_empty()).map(|item| listed(kind, item)).collect()),
    }
}

/// An item of a list.
fn listed(kind: &str, item: &str) -> Value {
    let parts: Vec<&str> = item.split(':').collect();
    let name = Value::text(parts[0]);
    match kind {
        "ids" => Value::Bytes(ident(item).to_vec()),
        "words" => name,
        "requirements" => Value::List(vec![name, int(parts[1].trim_end_matches('~')), Value::Bool(!item.ends_with('~'))]),
        "levels" | "ranks" => Value::List(vec![name, int(parts[1])]),
        "hours" => Value::List(parts.iter().map(|part| value("duration", part)).collect()),
        "ints" => int(item),
        "channels" => {
            let number = |at: usize| parts.get(at).filter(|part| **part != "-").map_or(Value::Nil, |part| int(part));
            Value::List(vec![name, number(1), number(2)])
        }
        other => panic!("no type {other}"),
    }
}

fn int(text: &str) -> Value {
    Value::Int(text.parse().unwrap_or_else(|_| panic!("no number: {text}")))
}
