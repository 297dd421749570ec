//! What a server says is understood however its bytes are cut, and what is not its protocol is refused.

use cordboard_wire::{Delivery, Malformed, Message, Operation, Parser};
use proptest::prelude::*;

const REPLY: &[u8] = b"$JS.ACK.JOURNAL_shop.follow-1.1.42.7.1795363200123999999.5";

/// Every operation as text.
fn told(chunks: &[&[u8]]) -> Result<Vec<String>, Malformed> {
    let mut parser = Parser::new();
    let mut told = Vec::new();
    for chunk in chunks {
        parser.feed(chunk, |operation| {
            told.push(format!("{operation:?}"));
            Ok::<(), Malformed>(())
        })?;
    }
    Ok(told)
}

fn said(operations: &[Operation<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for operation in operations {
        match operation {
            Operation::Message(message) => say(&mut bytes, message),
            Operation::Ping => bytes.extend_from_slice(b"PING\r\n"),
            Operation::Pong => bytes.extend_from_slice(b"PONG\r\n"),
            Operation::Ok => bytes.extend_from_slice(b"+OK\r\n"),
            Operation::Error(text) => bytes.extend([b"-ERR ", *text, b"\r\n"].concat()),
            Operation::Info(json) => bytes.extend([b"INFO ", *json, b"\r\n"].concat()),
        }
    }
    bytes
}

fn say(bytes: &mut Vec<u8>, message: &Message<'_>) {
    let Message { sid, subject, reply, header, payload } = message;
    bytes.extend_from_slice(if header.is_empty() { b"MSG " } else { b"HMSG " });
    bytes.extend_from_slice(subject);
    bytes.extend_from_slice(format!(" {sid} ").as_bytes());
    if !reply.is_empty() {
        bytes.extend([*reply, b" "].concat());
    }
    if !header.is_empty() {
        bytes.extend_from_slice(format!("{} ", header.len()).as_bytes());
    }
    bytes.extend_from_slice(format!("{}\r\n", header.len() + payload.len()).as_bytes());
    bytes.extend([*header, *payload, b"\r\n"].concat());
}

const EVERYTHING: [Operation<'_>; 8] = [
    Operation::Info(br#"{"server_id":"a","max_payload":1048576}"#),
    Operation::Ok,
    Operation::Message(Message { sid: 1, subject: b"journal.shop", reply: REPLY, header: b"", payload: b"MSG a 1 5\r\nPING\r\n" }),
    Operation::Ping,
    Operation::Message(Message {
        sid: 18,
        subject: b"s",
        reply: b"",
        header: b"NATS/1.0\r\nA: b\r\n\r\n",
        payload: b"\x00\xff\r\n",
    }),
    Operation::Message(Message {
        sid: 2,
        subject: b"_INBOX.x.1",
        reply: b"r.1",
        header: b"NATS/1.0 100 Idle Heartbeat\r\n\r\n",
        payload: b"",
    }),
    Operation::Error(b"'Permissions Violation for Subscription to \"a\"'"),
    Operation::Pong,
];

#[test]
fn every_operation_is_said_as_it_came() {
    let expected: Vec<String> = EVERYTHING.iter().map(|operation| format!("{operation:?}")).collect();
    assert_eq!(told(&[&said(&EVERYTHING)]), Ok(expected));
}

#[test]
fn it_does_not_matter_where_a_read_ends() {
    let bytes = said(&EVERYTHING);
    let whole = told(&[&bytes]);
    for cut in 0..bytes.len() {
        assert_eq!(told(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(told(&single), whole);
}

#[test]
fn what_was_begun_on_one_connection_is_no_part_of_the_next() {
    let mut parser = Parser::new();
    let mut count = 0;
    let mut each = |_: Operation<'_>| {
        count += 1;
        Ok::<(), Malformed>(())
    };
    assert_eq!(parser.feed(b"MSG a 1 100\r\nbegun", &mut each), Ok(()));
    parser.reset();
    assert_eq!(parser.feed(b"PING\r\n", &mut each), Ok(()));
    assert_eq!(count, 1);
}

#[test]
fn what_is_not_the_protocol_is_refused() {
    let endless = vec![b'x'; 70_000];
    let wrong: [&[u8]; 12] = [
        b"HELLO\r\n",
        b"\r\n",
        b"MSG a 1\r\n",
        b"MSG a x 1\r\n",
        b"MSG a 1 -1\r\n",
        b"MSG a 1 99999999999\r\n",
        b"MSG a 1 18446744073709551617\r\n",
        b"MSG a 1 r s t 5\r\n",
        b"HMSG a 1 5\r\n",
        b"HMSG a 1 6 5\r\nabcde\r\n",
        b"MSG a 1 2\r\nabc\r\n",
        &endless,
    ];
    for bytes in wrong {
        assert!(told(&[bytes]).is_err(), "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
    }
}

#[test]
fn a_refusal_of_the_listener_is_handed_on() {
    #[derive(Debug, PartialEq)]
    struct Refused;
    impl From<Malformed> for Refused {
        fn from(_: Malformed) -> Self {
            unreachable!("the bytes are sound")
        }
    }
    assert_eq!(Parser::new().feed(b"PING\r\n", |_| Err(Refused)), Err(Refused));
}

#[test]
fn a_delivery_says_where_its_message_stands() {
    let expected = Some(Delivery { seq: 42, delivered: 7, stored_ms: 1_795_363_200_123 });
    assert_eq!(Delivery::from_reply(REPLY), expected);
    assert_eq!(Delivery::from_reply(b"$JS.ACK.hub.ACCOUNT.JOURNAL_shop.follow-1.1.42.7.1795363200123999999.5"), expected);
    assert_eq!(Delivery::from_reply(b"$JS.ACK.hub.ACCOUNT.JOURNAL_shop.follow-1.1.42.7.1795363200123999999.5.token"), expected);
    for other in ["", "_INBOX.a", "$JS.ACK.", "$JS.ACK.a.b.1.2.3", "$JS.ACK.a.b.1.x.7.1.5", "$JS.ACK.a.b.1.42.7..5"] {
        assert_eq!(Delivery::from_reply(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn heartbeats_are_told_from_messages_with_headers() {
    let message = |header| Message { sid: 1, subject: b"", reply: b"", header, payload: b"" };
    assert!(message(b"NATS/1.0 100 Idle Heartbeat\r\n\r\n").is_status());
    assert!(!message(b"NATS/1.0\r\nNats-Expected-Last-Sequence: 3\r\n\r\n").is_status());
    assert!(!message(b"").is_status());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes are, and however they are cut: the same operations, or both refused.
    #[test]
    fn hostile_bytes_are_refused_or_understood_alike(
        lines in prop::collection::vec(
            prop::sample::select(vec![
                "PING\r\n", "MSG a 1 3\r\n", "abc\r\n", "HMSG b 2 r 2 4\r\n", "ab", "cd\r\n", "\r\n", "+OK\r\n", "-ERR 'x'\r\n", "MSG", " 1 0\r\n", "\n", "INFO {}\r\n",
            ]),
            0..12,
        ),
        cuts in prop::collection::vec(0_usize..80, 0..4),
    ) {
        let bytes = lines.concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(told(&chunks), told(&[&bytes]));
    }
}
