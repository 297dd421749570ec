//! A router whose state nobody vouches for: it decides, or says what contradicts itself; and never for ever.

use cordboard_core::Router;

const TURNS: usize = 4;

/// It takes over, and time passes: it decides, and what it decides is the same as that of the one that is restored, and can be folded; or it
/// says what contradicts itself, as the other does.
pub(crate) fn goes_on(mut router: Router, mut restored: Router) {
    let mut at_ms = router.position().at_ms;
    let inbox = router.position().inbox_id.unwrap_or_default();
    let begun = router.take_over(inbox, at_ms);
    assert_eq!(restored.take_over(inbox, at_ms), begun);
    if begun.is_err() {
        // Of a level that is folded only.
        return;
    }
    let mut follower = Router::restore(&router.snapshot()).unwrap();
    for _ in 0..TURNS {
        let Some(next_ms) = router.next_deadline() else { return };
        at_ms = at_ms.max(next_ms);
        let decided = router.step(&[], at_ms);
        assert_eq!(restored.step(&[], at_ms), decided);
        match decided {
            Ok(commits) => {
                for commit in &commits {
                    follower.apply(commit).unwrap();
                }
                assert_eq!(follower.state_hash(), router.state_hash());
                assert_eq!(follower.next_deadline(), router.next_deadline());
            }
            Err(error) => {
                assert_eq!(router.step(&[], at_ms), Err(error), "it refuses everything");
                return;
            }
        }
    }
}
