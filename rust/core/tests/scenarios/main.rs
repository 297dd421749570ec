//! The stories in tests/scenarios/stories, told to the core: each transcript must come out as it stands there.
//! `make bless` rewrites them (through Python); commit the difference only if you can explain it.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod language;
mod policy;
mod telling;
mod value;

use std::fs;
use std::path::{Path, PathBuf};

use telling::Telling;

/// The commands and the transcript of each block; a transcript ends at an empty line.
fn blocks(text: &str) -> Vec<(Vec<&str>, Vec<&str>)> {
    let mut found = Vec::new();
    let (mut commands, mut transcript) = (Vec::new(), None::<Vec<&str>>);
    for line in text.lines().chain([""]) {
        match &mut transcript {
            Some(lines) if !line.is_empty() => lines.push(line),
            Some(_) => found.push((std::mem::take(&mut commands), transcript.take().unwrap_or_default())),
            None if line == "----" => transcript = Some(Vec::new()),
            None if line.starts_with('#') || line.is_empty() => {}
            None => commands.push(line),
        }
    }
    assert!(commands.is_empty(), "commands without a transcript: {commands:?}");
    found
}

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/stories");
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    found.sort();
    found
}

#[test]
fn every_story_goes_as_it_is_told() {
    let stories = stories();
    assert!(stories.len() >= 25);
    for path in stories {
        let text = fs::read_to_string(&path).unwrap();
        let mut telling = Telling::new();
        for (commands, transcript) in blocks(&text) {
            assert_eq!(telling.tell(&commands), transcript, "{} at {commands:?}", path.display());
        }
        telling.verify();
    }
}
