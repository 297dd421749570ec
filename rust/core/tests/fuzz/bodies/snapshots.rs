//! Any bytes as a snapshot, and a genuine one with some of its bytes or values changed: refused, or a router that can be asked everything.

use cordboard_core::Router;

use super::bytes::{leaves, Draw, STRANGE};
use super::going::goes_on;
use super::histories::Telling;
use super::site::id;

const CHANGES_MAX: usize = 6;

pub(crate) fn run(data: &[u8]) {
    let mut draw = Draw::new(data);
    match draw.byte() % 3 {
        0 => restore(draw.rest()),
        1 => {
            let mut snapshot = Telling::begun().snapshot();
            for _ in 0..=draw.below(CHANGES_MAX) {
                let at = draw.place(snapshot.len());
                snapshot[at] = draw.byte();
            }
            restore(&snapshot);
        }
        _ => {
            let mut snapshot = Telling::begun().snapshot();
            for _ in 0..=draw.below(CHANGES_MAX) {
                let values = leaves(&snapshot);
                let at = values[draw.place(values.len())].clone();
                let value = if draw.flag() {
                    draw.pick(&STRANGE).to_vec()
                } else {
                    snapshot[values[draw.place(values.len())].clone()].to_vec()
                };
                snapshot.splice(at, value);
            }
            restore(&snapshot);
        }
    }
}

fn restore(snapshot: &[u8]) {
    let Ok(router) = Router::restore(snapshot) else { return };
    let written = router.snapshot();
    let again = Router::restore(&written).unwrap();
    assert_eq!(again.snapshot(), written);
    assert_eq!(again.state_hash(), router.state_hash());
    assert_eq!(again.position(), router.position());
    assert_eq!(again.next_deadline(), router.next_deadline());
    assert_eq!(again.check(), router.check());
    for number in 0..10 {
        router.explain_contact(id(3, number).0, 3, u64::MAX);
        router.explain_agent(id(2, number).0, 3, u64::MAX);
        router.hindrance(id(3, number).0, id(2, number % 5).0);
    }
    goes_on(router, again);
}
