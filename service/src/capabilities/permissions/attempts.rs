//! Which runs have had their one escalation.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Principal;
use pml_entity::values::{CapabilityId, ContentHash};

/// Attempts that are remembered; beyond it the oldest is forgotten.
pub(super) const REMEMBERED: usize = 10_000;
/// How long an attempt counts. No run lasts as long, and a capability without execution ids must not be locked out for good.
pub(super) const COUNTS_FOR: Duration = Duration::from_hours(1);

/// Attempts of the last hour, bounded.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    keys: HashSet<ContentHash>,
    oldest_first: VecDeque<(Instant, ContentHash)>,
}

/// Names a run: by its execution id, or without one by the capability. The ids of different callers never meet. Hashed, so that a long id costs no more.
pub(super) fn key(
    who: &Principal,
    execution: Option<&str>,
    capability: CapabilityId,
) -> ContentHash {
    let caller = match who {
        Principal::Local => "local".to_owned(),
        Principal::Anonymous => "anonymous".to_owned(),
        Principal::User { id, .. } => id.to_string(),
    };
    ContentHash::of(match execution {
        Some(execution) => format!("{caller}\nexecution\n{execution}"),
        None => format!("{caller}\ncapability\n{capability}"),
    })
}

impl Attempts {
    /// Counts an attempt, unless this run has had one.
    pub(super) fn begin(&self, key: ContentHash) -> bool {
        self.begin_at(key, Instant::now())
    }

    fn begin_at(&self, key: ContentHash, now: Instant) -> bool {
        let mut seen = self.seen();
        seen.forget_while(|_, at| now.duration_since(at) >= COUNTS_FOR);
        if seen.keys.contains(&key) {
            return false;
        }
        seen.forget_while(|remembered, _| remembered >= REMEMBERED);
        seen.keys.insert(key.clone());
        seen.oldest_first.push_back((now, key));
        true
    }

    /// Forgets a run that is over.
    pub(super) fn end(&self, key: &ContentHash) {
        let mut seen = self.seen();
        if seen.keys.remove(key) {
            seen.oldest_first.retain(|(_, other)| other != key);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing between lock and unlock can leave the two collections apart.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Forgets the oldest as long as their number and the age of the oldest ask for it.
    fn forget_while(&mut self, too_much: impl Fn(usize, Instant) -> bool) {
        while let Some((at, _)) = self.oldest_first.front() {
            if !too_much(self.oldest_first.len(), *at) {
                break;
            }
            if let Some((_, key)) = self.oldest_first.pop_front() {
                self.keys.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: usize) -> ContentHash {
        ContentHash::of(number.to_string())
    }

    /// AT-81, the counting.
    #[test]
    fn a_run_has_one_attempt_and_another_run_its_own() {
        let attempts = Attempts::default();
        assert!(attempts.begin(run(1)));
        assert!(!attempts.begin(run(1)));
        assert!(attempts.begin(run(2)));
        attempts.end(&run(1));
        assert!(attempts.begin(run(1)));
    }

    #[test]
    fn the_oldest_attempt_is_forgotten_when_there_are_too_many() {
        let attempts = Attempts::default();
        for number in 0..=REMEMBERED {
            assert!(attempts.begin(run(number)));
        }
        assert!(!attempts.begin(run(1)));
        assert!(attempts.begin(run(0)));
        assert_eq!(attempts.seen().keys.len(), REMEMBERED);
        assert_eq!(attempts.seen().oldest_first.len(), REMEMBERED);
    }

    #[test]
    fn an_attempt_counts_for_an_hour() {
        let attempts = Attempts::default();
        let start = Instant::now();
        assert!(attempts.begin_at(run(1), start));
        let almost = start + COUNTS_FOR.saturating_sub(Duration::from_secs(1));
        assert!(!attempts.begin_at(run(1), almost));
        assert!(attempts.begin_at(run(1), start + COUNTS_FOR));
    }

    #[test]
    fn the_same_execution_id_of_two_callers_is_two_runs() {
        let capability = CapabilityId::generate();
        let local = key(&Principal::Local, Some("e"), capability);
        assert_eq!(
            local,
            key(&Principal::Local, Some("e"), CapabilityId::generate())
        );
        assert_ne!(local, key(&Principal::Anonymous, Some("e"), capability));
        assert_ne!(local, key(&Principal::Local, None, capability));
    }
}
