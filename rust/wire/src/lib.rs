//! What a NATS server says to its clients: bytes as they come off a connection, one operation after the other.
//!
//! Only the reading half, and no connection: whoever has one feeds it. Nothing is copied but what a read cut in two.
#![forbid(unsafe_code)]

mod delivery;

pub use delivery::Delivery;

/// The longest line but for INFO's is an order of magnitude shorter; INFO names every server of a cluster.
const LINE_MAX: usize = 64 * 1024;
/// What a server can be configured to let through at most.
const MESSAGE_MAX: usize = 64 * 1024 * 1024;

/// The server said something that is not its protocol: the connection is of no more use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the protocol of NATS: {0}")]
pub struct Malformed(&'static str);

/// A message of a subscription. `reply` and `header` are empty if it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    pub sid: u64,
    pub subject: &'a [u8],
    pub reply: &'a [u8],
    pub header: &'a [u8],
    pub payload: &'a [u8],
}

impl Message<'_> {
    /// A heartbeat or a question of `JetStream` instead of a message: its header's first line has a code.
    pub fn is_status(&self) -> bool {
        self.header.starts_with(b"NATS/1.0 ")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    Message(Message<'a>),
    Ping,
    Pong,
    Ok,
    /// What is the matter, in the server's words.
    Error(&'a [u8]),
    /// JSON.
    Info(&'a [u8]),
}

/// One connection's reader.
#[derive(Debug, Default)]
pub struct Parser {
    /// The beginning of an operation whose end has not come yet.
    begun: Vec<u8>,
}

impl Parser {
    pub fn new() -> Self {
        Self::default()
    }

    /// Forget what was begun: another connection follows.
    pub fn reset(&mut self) {
        self.begun = Vec::new();
    }

    /// Every operation that `data` completes, in order. What `each` refuses ends it, as a server does that is not understood:
    /// the connection must be given up then.
    pub fn feed<E: From<Malformed>>(&mut self, data: &[u8], mut each: impl FnMut(Operation<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.begun.is_empty() {
            let used = all(data, &mut each)?;
            self.begun.extend_from_slice(&data[used..]);
        } else {
            self.begun.extend_from_slice(data);
            let used = all(&self.begun, &mut each)?;
            self.begun.drain(..used);
        }
        Ok(())
    }
}

/// Says every whole operation of `bytes`; returns how many bytes those were.
fn all<E: From<Malformed>>(bytes: &[u8], each: &mut impl FnMut(Operation<'_>) -> Result<(), E>) -> Result<usize, E> {
    let mut used = 0;
    while let Some((operation, length)) = first(&bytes[used..])? {
        used += length;
        each(operation)?;
    }
    Ok(used)
}

/// The first operation of `bytes` and its length; None: its end has not come yet.
fn first(bytes: &[u8]) -> Result<Option<(Operation<'_>, usize)>, Malformed> {
    let Some(end) = bytes.iter().take(LINE_MAX).position(|byte| *byte == b'\n') else {
        return if bytes.len() < LINE_MAX { Ok(None) } else { Err(Malformed("a line without an end")) };
    };
    let (verb, rest) = word(&bytes[..end]);
    let line = end + 1;
    let operation = match verb {
        b"MSG" => return message(rest, &bytes[line..], false).map(|found| found.map(|(message, length)| (message, line + length))),
        b"HMSG" => return message(rest, &bytes[line..], true).map(|found| found.map(|(message, length)| (message, line + length))),
        b"PING" => Operation::Ping,
        b"PONG" => Operation::Pong,
        b"+OK" => Operation::Ok,
        b"-ERR" => Operation::Error(rest.trim_ascii()),
        b"INFO" => Operation::Info(rest.trim_ascii()),
        _ => return Err(Malformed("an unknown operation")),
    };
    Ok(Some((operation, line)))
}

/// `<subject> <sid> [reply] [header length] <length>`, then header and payload, and the end of a line.
fn message<'a>(arguments: &'a [u8], body: &'a [u8], with_header: bool) -> Result<Option<(Operation<'a>, usize)>, Malformed> {
    const INCOMPLETE: Malformed = Malformed("a message without its arguments");
    let mut words: [&[u8]; 5] = [b""; 5];
    let mut count = 0;
    let mut rest = arguments;
    loop {
        let (word, after) = word(rest);
        if word.is_empty() {
            break;
        }
        *words.get_mut(count).ok_or(INCOMPLETE)? = word;
        count += 1;
        rest = after;
    }
    let lengths = if with_header { 2 } else { 1 };
    let reply: &[u8] = match count.checked_sub(lengths) {
        Some(2) => b"",
        Some(3) => words[2],
        _ => return Err(INCOMPLETE),
    };
    let sid = number(words[1]).ok_or(INCOMPLETE)?;
    let length = size(words[count - 1])?;
    let header_length = if with_header { size(words[count - 2])? } else { 0 };
    if header_length > length {
        return Err(Malformed("a header longer than its message"));
    }
    let Some(ended) = body.get(length..length + 2) else { return Ok(None) };
    if ended != b"\r\n" {
        return Err(Malformed("a message without its end"));
    }
    let (header, payload) = body[..length].split_at(header_length);
    let message = Message { sid, subject: words[0], reply, header, payload };
    Ok(Some((Operation::Message(message), length + 2)))
}

/// The first word, and what comes after it.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    line.split_at(line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len()))
}

fn size(word: &[u8]) -> Result<usize, Malformed> {
    number(word)
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= MESSAGE_MAX)
        .ok_or(Malformed("a length that is none"))
}

/// Decimal digits only.
fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
