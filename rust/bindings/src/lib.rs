//! `cordboard._core`: conversion and errors only. Bytes in, bytes out; the GIL is released around the work.
#![forbid(unsafe_code)]

mod error;
mod position;
mod router;
mod wire;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// What the core holds comes and goes in small pieces, many for every fact. Python keeps its own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// BLAKE3 of a commit: the next one's `prev_hash`.
#[pyfunction]
#[pyo3(signature = (commit))]
fn commit_hash<'py>(py: Python<'py>, commit: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &cordboard_core::commit_hash(commit))
}

/// A commit as readable lines: one for each input's verdict and each event.
#[pyfunction]
#[pyo3(signature = (commit))]
fn render(py: Python<'_>, commit: &[u8]) -> PyResult<String> {
    error::mapped(py.detach(|| cordboard_core::render(commit)))
}

#[pymodule]
mod _core {
    #[pymodule_export]
    use super::error::{CoreError, LevelUnsupported};
    #[pymodule_export]
    use super::position::Position;
    #[pymodule_export]
    use super::router::Router;
    #[pymodule_export]
    use super::wire::WireParser;
    #[pymodule_export]
    use super::{commit_hash, render};

    /// The newest level that this build decides, and the oldest.
    #[pymodule_init]
    fn levels(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        use pyo3::types::PyModuleMethods;
        module.add("LEVEL", cordboard_core::LEVEL)?;
        module.add("FIRST_DECIDED", cordboard_core::FIRST_DECIDED)
    }
}
