//! Msgpack in its shortest forms, as msgspec writes it.

pub(crate) fn nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

pub(crate) fn boolean(value: bool, out: &mut Vec<u8>) {
    out.push(if value { 0xc3 } else { 0xc2 });
}

pub(crate) fn uint(value: u64, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    match value {
        0..=0x7f => out.push(bytes[7]),
        0x80..=0xff => out.extend_from_slice(&[0xcc, bytes[7]]),
        0x100..=0xffff => out.extend_from_slice(&[0xcd, bytes[6], bytes[7]]),
        0x1_0000..=0xffff_ffff => out.extend_from_slice(&[0xce, bytes[4], bytes[5], bytes[6], bytes[7]]),
        _ => {
            let mut long = [0xcf; 9];
            long[1..].copy_from_slice(&bytes);
            out.extend_from_slice(&long);
        }
    }
}

pub(crate) fn int(value: i64, out: &mut Vec<u8>) {
    if let Ok(value) = u64::try_from(value) {
        uint(value, out);
    } else if let Ok(value) = i8::try_from(value) {
        if value < -32 {
            out.push(0xd0);
        }
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        out.push(0xd1);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(0xd2);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// The bytes of a text.
pub(crate) fn text(value: &[u8], out: &mut Vec<u8>) {
    sized(value.len(), Short { base: 0xa0, below: 32 }, Some(0xd9), 0xda, out);
    out.extend_from_slice(value);
}

pub(crate) fn bin(value: &[u8], out: &mut Vec<u8>) {
    bin_head(value.len(), out);
    out.extend_from_slice(value);
}

/// A byte string of a length that is known here and now: an id, a hash.
pub(crate) fn fixed<const N: usize>(value: &[u8; N], out: &mut Vec<u8>) {
    bin_head(N, out);
    out.extend_from_slice(value);
}

/// A byte string of what `write` writes: its length. The head is put in front when the length is known.
pub(crate) fn bin_of(write: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) -> usize {
    let head = out.len();
    out.extend_from_slice(&[0xc4, 0]);
    let start = out.len();
    write(out);
    let length = out.len() - start;
    if let Ok(short) = u8::try_from(length) {
        out[head + 1] = short;
    } else {
        let mut long = Vec::with_capacity(5);
        bin_head(length, &mut long);
        out.splice(head..start, long);
    }
    length
}

fn bin_head(length: usize, out: &mut Vec<u8>) {
    if let Ok(short) = u8::try_from(length) {
        return out.extend_from_slice(&[0xc4, short]);
    }
    sized(length, Short { base: 0, below: 0 }, Some(0xc4), 0xc5, out);
}

pub(crate) fn array(count: usize, out: &mut Vec<u8>) {
    sized(count, Short { base: 0x90, below: 16 }, None, 0xdc, out);
}

pub(crate) fn map(count: usize, out: &mut Vec<u8>) {
    sized(count, Short { base: 0x80, below: 16 }, None, 0xde, out);
}

/// Lengths under `below` stand in the first byte itself.
#[derive(Clone, Copy)]
struct Short {
    base: u8,
    below: u8,
}

/// A head with a length: short, in one byte (if the type has that form), in two (`wide`) or in four (`wide + 1`).
fn sized(length: usize, short: Short, narrow: Option<u8>, wide: u8, out: &mut Vec<u8>) {
    match (u8::try_from(length), narrow) {
        (Ok(length), _) if length < short.below => out.push(short.base | length),
        (Ok(length), Some(narrow)) => out.extend_from_slice(&[narrow, length]),
        _ => {
            if let Ok(length) = u16::try_from(length) {
                out.push(wide);
                out.extend_from_slice(&length.to_be_bytes());
            } else {
                // A commit has at most 1 MiB: no list or string of ours comes near to 4 GiB.
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                out.push(wide + 1);
                out.extend_from_slice(&length.to_be_bytes());
            }
        }
    }
}
