//! The one mapping of the core's errors to Python.

use cordboard_core::Error;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(
    cordboard._core,
    CoreError,
    PyException,
    "The journal or snapshot contradicts itself, or the caller broke the protocol (for example a step before take_over)."
);

create_exception!(
    cordboard._core,
    LevelUnsupported,
    CoreError,
    "The journal is sound, but of a level that this build does not decide, or not even fold: another build is needed."
);

/// A core result with its error as `CoreError`.
pub(crate) fn mapped<T>(result: Result<T, Error>) -> PyResult<T> {
    result.map_err(|error| match error {
        Error::Level { .. } => LevelUnsupported::new_err(error.to_string()),
        Error::Snapshot(_) | Error::Commit { .. } | Error::State { .. } | Error::Protocol(_) => {
            CoreError::new_err(error.to_string())
        }
    })
}
