//! What a NATS server says, for whoever has the connection.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use cordboard_wire::{Delivery, Malformed, Message, Operation, Parser};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

/// One connection's reader. Making Python's objects may let another thread in, or any finalizer: nobody waits for a lock
/// that is held meanwhile.
#[pyclass(frozen, module = "cordboard._core")]
pub(crate) struct WireParser {
    parser: Mutex<Parser>,
    followed: Mutex<BTreeSet<u64>>,
}

type Tuples<'py> = Vec<Bound<'py, PyTuple>>;

/// What one read said: the deliveries of each subscription that is followed, and all else.
#[derive(Default)]
struct Said<'py> {
    followed: Vec<(u64, Tuples<'py>)>,
    others: Tuples<'py>,
}

#[pymethods]
impl WireParser {
    #[new]
    fn new() -> Self {
        Self { parser: Mutex::default(), followed: Mutex::default() }
    }

    /// Forget what was begun: another connection follows.
    fn reset(&self) -> PyResult<()> {
        self.parser()?.reset();
        Ok(())
    }

    /// From now on this subscription's messages are deliveries of a stream.
    #[pyo3(signature = (sid))]
    fn follow(&self, sid: u64) {
        self.followed().insert(sid);
    }

    /// And from now on no more.
    #[pyo3(signature = (sid))]
    fn leave(&self, sid: u64) {
        self.followed().remove(&sid);
    }

    /// What `data` completes: `(sid, deliveries)` of followed subscriptions, in order each, and everything else.
    #[pyo3(signature = (data))]
    fn feed<'py>(&self, py: Python<'py>, data: &[u8]) -> PyResult<(Vec<(u64, Tuples<'py>)>, Tuples<'py>)> {
        let mut said = Said::default();
        self.parser()?.feed(data, |operation| {
            let followed = matches!(&operation, Operation::Message(message) if self.followed().contains(&message.sid));
            said.take(py, followed, operation).map_err(Failed::Python)
        })?;
        Ok((said.followed, said.others))
    }
}

impl WireParser {
    /// Between two reads nothing is half done, and a read that failed ends the connection.
    fn parser(&self) -> PyResult<MutexGuard<'_, Parser>> {
        match self.parser.try_lock() {
            Ok(parser) => Ok(parser),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(PyRuntimeError::new_err("what this connection said is being read")),
        }
    }

    fn followed(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'py> Said<'py> {
    fn take(&mut self, py: Python<'py>, followed: bool, operation: Operation<'_>) -> PyResult<()> {
        let other = match operation {
            Operation::Message(message) if followed => {
                if let Some(tuple) = delivered(py, &message)? {
                    self.deliver(message.sid, tuple);
                    return Ok(());
                }
                whole(py, &message)?
            }
            Operation::Message(message) => whole(py, &message)?,
            Operation::Ping => ("PING",).into_pyobject(py)?,
            Operation::Pong => ("PONG",).into_pyobject(py)?,
            Operation::Ok => return Ok(()),
            Operation::Error(text) => ("-ERR", PyBytes::new(py, text)).into_pyobject(py)?,
            Operation::Info(json) => ("INFO", PyBytes::new(py, json)).into_pyobject(py)?,
        };
        self.others.push(other);
        Ok(())
    }

    fn deliver(&mut self, sid: u64, delivery: Bound<'py, PyTuple>) {
        match self.followed.iter_mut().find(|(each, _)| *each == sid) {
            Some((_, deliveries)) => deliveries.push(delivery),
            None => self.followed.push((sid, vec![delivery])),
        }
    }
}

/// `(seq, delivered, stored_ms, data)` of a message, `(reply, header)` of a status; None: it is no delivery. Its place is asked
/// first: whoever published a message may have written a status into its header.
fn delivered<'py>(py: Python<'py>, message: &Message<'_>) -> PyResult<Option<Bound<'py, PyTuple>>> {
    if let Some(delivery) = Delivery::from_reply(message.reply) {
        let data = PyBytes::new(py, message.payload);
        return (delivery.seq, delivery.delivered, delivery.stored_ms, data).into_pyobject(py).map(Some);
    }
    if message.is_status() {
        return (PyBytes::new(py, message.reply), PyBytes::new(py, message.header)).into_pyobject(py).map(Some);
    }
    Ok(None)
}

/// `(sid, subject, reply, payload, header)`.
fn whole<'py>(py: Python<'py>, message: &Message<'_>) -> PyResult<Bound<'py, PyTuple>> {
    let bytes = |part| PyBytes::new(py, part);
    let (subject, reply) = (bytes(message.subject), bytes(message.reply));
    let header = (!message.header.is_empty()).then(|| bytes(message.header));
    (message.sid, subject, reply, bytes(message.payload), header).into_pyobject(py)
}

enum Failed {
    Malformed(Malformed),
    Python(PyErr),
}

impl From<Malformed> for Failed {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl From<Failed> for PyErr {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Malformed(error) => PyValueError::new_err(error.to_string()),
            Failed::Python(error) => error,
        }
    }
}
