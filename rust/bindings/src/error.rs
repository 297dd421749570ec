//! The one mapping of the core's errors to Python.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(
    cordboard._core,
    CoreError,
    PyException,
    "The journal or snapshot contradicts itself, or the caller broke the protocol (for example a step before take_over)."
);

/// A core result with its error as `CoreError`.
pub(crate) fn mapped<T>(result: Result<T, cordboard_core::Error>) -> PyResult<T> {
    result.map_err(|error| CoreError::new_err(error.to_string()))
}
