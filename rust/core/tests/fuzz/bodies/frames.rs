//! Any bytes as a message of the inbox: every fact in it gets a verdict, what can be read reads the same again, and the site lives on.

use cordboard_core::codec;
use cordboard_core::words::{Verdict, INPUT_TAG};
use cordboard_core::{FrameRef, Router};

use super::histories::{Telling, START_MS};

pub(crate) fn run(data: &[u8]) {
    read(data);
    let facts = codec::split_frame(data);
    for fact in facts.iter().flatten() {
        read(fact);
    }
    let mut router = Router::restore(&Telling::begun().snapshot()).unwrap();
    let inbox = router.position();
    router.take_over(inbox.inbox_id.unwrap(), inbox.at_ms).unwrap();
    let frame = FrameRef { inbox_seq: inbox.inbox_seq + 1, stored_ms: START_MS, data };
    let commits = router.step(&[frame], inbox.at_ms + 1).unwrap();
    let mut verdicts = Vec::new();
    for commit in &commits {
        let commit = codec::decode_commit(commit).unwrap();
        let inputs = commit.entries.iter().filter(|entry| entry.tag == INPUT_TAG);
        verdicts.extend(inputs.map(|entry| codec::decode_input(&entry.body).unwrap()));
    }
    assert_eq!(verdicts.len(), facts.as_ref().map_or(1, Vec::len), "a verdict for each fact, or one for what is no frame");
    for (index, input) in verdicts.iter().enumerate() {
        let known = facts.as_ref().ok().and_then(|facts| codec::decode_fact(facts[index]).ok());
        let quarantined = matches!(input.verdict, Verdict::Quarantined(_));
        assert_eq!(quarantined, known.is_none(), "what can be read has a verdict, what cannot is put aside: {input:?}");
    }
    assert_eq!(router.check(), Vec::<String>::new());
}

/// As any word: no panic, and what is a word has the same meaning when it is written and read again.
fn read(data: &[u8]) {
    macro_rules! same_again {
        ($($decode:ident $encode:ident),*) => {$(
            if let Ok(word) = codec::$decode(data) {
                assert_eq!(codec::$decode(&codec::$encode(&word)), Ok(word));
            }
        )*};
    }
    same_again!(
        decode_fact encode_fact,
        decode_event encode_event,
        decode_input encode_input,
        decode_entry encode_entry,
        decode_commit encode_commit,
        decode_policy encode_policy
    );
}
