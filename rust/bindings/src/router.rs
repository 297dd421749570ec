//! The router behind a lock: Python may call it from any thread, one call at a time does the work.

use std::sync::Mutex;

use cordboard_core::FrameRef;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{mapped, CoreError};
use crate::position::Position;

/// State of one site at a journal position, and the two things one can do with it: decide and apply.
#[pyclass(frozen, module = "cordboard._core")]
pub(crate) struct Router(Mutex<cordboard_core::Router>);

impl Router {
    /// Run `work` on the core with the GIL released.
    fn with<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut cordboard_core::Router) -> T + Send) -> PyResult<T> {
        // After a panic the state may be half of a decision: it must never decide or be saved again.
        py.detach(|| self.0.lock().map(|mut core| work(&mut core)).ok())
            .ok_or_else(|| CoreError::new_err("the core panicked before: restore or fold a new router"))
    }
}

#[pymethods]
impl Router {
    #[new]
    #[pyo3(signature = (site))]
    fn new(site: &str) -> PyResult<Self> {
        Ok(Self(Mutex::new(mapped(cordboard_core::Router::new(site))?)))
    }

    /// A router as it was when `snapshot()` made these bytes.
    #[staticmethod]
    #[pyo3(signature = (snapshot))]
    fn restore(py: Python<'_>, snapshot: &[u8]) -> PyResult<Self> {
        let router = mapped(py.detach(|| cordboard_core::Router::restore(snapshot)))?;
        Ok(Self(Mutex::new(router)))
    }

    /// The logical state as bytes.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.with(py, |core| core.snapshot())?))
    }

    /// BLAKE3 of the logical state.
    fn state_hash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.with(py, |core| core.state_hash())?))
    }

    /// Where it stands.
    fn position(&self, py: Python<'_>) -> PyResult<Position> {
        Ok(Position(self.with(py, |core| core.position())?))
    }

    /// Begin a new epoch: the commit to append first. Applied already. `incarnation`: who takes over; None: somebody without a rival.
    #[pyo3(signature = (inbox_id, at_ms, incarnation = None))]
    fn take_over<'py>(
        &self,
        py: Python<'py>,
        inbox_id: &[u8],
        at_ms: u64,
        incarnation: Option<&[u8]>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let id = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).map_err(|_| CoreError::new_err("protocol: an id is 16 bytes"));
        let (inbox_id, incarnation) = (id(inbox_id)?, incarnation.map(id).transpose()?);
        let commit = self.with(py, |core| match incarnation {
            Some(incarnation) => core.take_over_as(inbox_id, incarnation, at_ms),
            None => core.take_over(inbox_id, at_ms),
        })?;
        Ok(PyBytes::new(py, &mapped(commit)?))
    }

    /// End the epoch: the commit to append last. Applied already.
    #[pyo3(signature = (at_ms))]
    fn step_down<'py>(&self, py: Python<'py>, at_ms: u64) -> PyResult<Bound<'py, PyBytes>> {
        let commit = mapped(self.with(py, |core| core.step_down(at_ms))?)?;
        Ok(PyBytes::new(py, &commit))
    }

    /// Decide one turn: frames as `(inbox_seq, stored_ms, data)` in order, then the timers due at `at_ms`. Returns the
    /// commits to append, applied already; empty if nothing happened.
    #[pyo3(signature = (frames, at_ms))]
    #[allow(clippy::needless_pass_by_value)] // PyO3 extracts a sequence into a Vec, not into a slice
    fn step<'py>(
        &self,
        py: Python<'py>,
        frames: Vec<(u64, u64, Bound<'py, PyBytes>)>,
        at_ms: u64,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let frames: Vec<FrameRef<'_>> = frames
            .iter()
            .map(|(inbox_seq, stored_ms, data)| FrameRef { inbox_seq: *inbox_seq, stored_ms: *stored_ms, data: data.as_bytes() })
            .collect();
        let commits = mapped(self.with(py, |core| core.step(&frames, at_ms))?)?;
        Ok(commits.iter().map(|commit| PyBytes::new(py, commit)).collect())
    }

    /// Facts it has decided itself: accepted, refused, duplicate, quarantined.
    fn verdicts(&self, py: Python<'_>) -> PyResult<(u64, u64, u64, u64)> {
        let of = self.with(py, |core| core.verdicts())?;
        Ok((of.accepted, of.refused, of.duplicate, of.quarantined))
    }

    /// When to call `step` next if no frame comes (Unix ms).
    fn next_deadline(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.with(py, |core| core.next_deadline())
    }

    /// Fold one commit. The state is unchanged if it raises.
    #[pyo3(signature = (commit))]
    fn apply(&self, py: Python<'_>, commit: &[u8]) -> PyResult<()> {
        mapped(self.with(py, |core| core.apply(commit))?)
    }

    /// Fold commits, one after the other. If it raises, those before the one that was refused are folded.
    #[pyo3(signature = (commits))]
    #[allow(clippy::needless_pass_by_value)] // as in `step`
    fn fold(&self, py: Python<'_>, commits: Vec<Bound<'_, PyBytes>>) -> PyResult<()> {
        let commits: Vec<&[u8]> = commits.iter().map(PyBytesMethods::as_bytes).collect();
        mapped(self.with(py, |core| commits.iter().try_for_each(|commit| core.apply(commit)))?)
    }

    /// Decide the commit's own inputs again and return the commit that comes out; the state is that of the recorded one.
    #[pyo3(signature = (commit))]
    fn redecide<'py>(&self, py: Python<'py>, commit: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let again = mapped(self.with(py, |core| core.redecide(commit))?)?;
        Ok(PyBytes::new(py, &again))
    }

    /// Why a live contact is not offered to whom, as of `at_ms` (msgpack map, at most `limit` agents); None: no such contact.
    #[pyo3(signature = (contact, limit, at_ms))]
    fn explain_contact<'py>(
        &self,
        py: Python<'py>,
        contact: &[u8],
        limit: usize,
        at_ms: u64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let contact: [u8; 16] = contact.try_into().map_err(|_| CoreError::new_err("protocol: an id is 16 bytes"))?;
        let explained = self.with(py, |core| core.explain_contact(contact, limit, at_ms))?;
        Ok(explained.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Why an agent is not offered what waits, as of `at_ms` (msgpack map, at most `limit` contacts); None: no such agent.
    #[pyo3(signature = (agent, limit, at_ms))]
    fn explain_agent<'py>(&self, py: Python<'py>, agent: &[u8], limit: usize, at_ms: u64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let agent: [u8; 16] = agent.try_into().map_err(|_| CoreError::new_err("protocol: an id is 16 bytes"))?;
        let explained = self.with(py, |core| core.explain_agent(agent, limit, at_ms))?;
        Ok(explained.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Violations of the invariants of the state, in words; empty is good.
    fn check(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.with(py, |core| core.check())
    }
}
