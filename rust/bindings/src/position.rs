//! Where a router stands.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Where a router stands.
#[pyclass(frozen, module = "cordboard._core")]
pub(crate) struct Position(pub(crate) cordboard_core::Position);

#[pymethods]
impl Position {
    /// Sequence of the last commit (0: none).
    #[getter]
    fn seq(&self) -> u64 {
        self.0.seq
    }

    /// Epoch of the last take-over.
    #[getter]
    fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The router of that epoch stepped down: nothing is decided until another one takes over.
    #[getter]
    fn stepped_down(&self) -> bool {
        self.0.stepped_down
    }

    /// Level of the next commit (0: there is none yet).
    #[getter]
    fn level(&self) -> u64 {
        self.0.level
    }

    /// Time of the last commit (Unix ms).
    #[getter]
    fn at_ms(&self) -> u64 {
        self.0.at_ms
    }

    /// BLAKE3 of the last commit (zeros: none).
    #[getter]
    fn hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.hash)
    }

    /// The inbox it reads.
    #[getter]
    fn inbox_id<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.inbox_id.map(|id| PyBytes::new(py, &id))
    }

    /// Every frame before this one is done.
    #[getter]
    fn inbox_seq(&self) -> u64 {
        self.0.inbox_seq
    }

    /// And so many facts of this one.
    #[getter]
    fn facts_done(&self) -> u64 {
        self.0.facts_done
    }

    fn __repr__(&self) -> String {
        format!("Position(seq={}, epoch={}, at_ms={})", self.0.seq, self.0.epoch, self.0.at_ms)
    }
}
