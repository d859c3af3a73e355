//! Capabilities kept in memory for as long as their own `cache_config` allows.
//!
//! **No old row after a change.** Time is counted in changes. Each entry carries the number of changes at the moment its read began; a change
//! made through here notes its number, for one pattern or for everything, once it is committed. An entry is worth nothing as soon as a change
//! that concerns it has a higher number: also when the old row was read before the change and stored after it.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use pml_entity::values::PatternId;

use super::permissions::{self, Changed, PermissionChange};
use super::{
    Deleted, Details, Reference, Rename, Renamed, SaveRequest, Saved, delete, get,
    merge::{Merged, merge},
    rename, save,
};
use crate::embedding::Embedder;
use crate::{Db, Error, Principal};

/// Most entries; the least useful ones go first.
const CAPACITY: u64 = 10_000;
/// Counters of changes. Patterns share them, which forgets a little more than it must.
const COUNTERS: usize = 4_096;
/// No entry lives longer, whatever its row says.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// Who asked, and how: two people may mean different capabilities by one name.
type Key = (Principal, Reference);

#[derive(Clone, Debug)]
struct Entry {
    details: Arc<Details>,
    /// Changes before its row was read.
    read_at: u64,
    lifetime: Duration,
}

/// Reads of single capabilities that cost no statement while they are fresh, and the changes that make them stale. Share it in an `Arc`.
///
/// An entry lives for `ttl_ms` of its row's `cache_config` and is not made at all where that says `cacheable: false` (spec of
/// capabilities, CACHE-1). Changes made through this value are seen at once; those of other processes, and counters that
/// [`record_use`](super::record_use) moves, when the entry's time is over.
pub struct CachedCapabilities {
    db: Db,
    embedder: Arc<dyn Embedder>,
    entries: Cache<Key, Entry>,
    changes: Changes,
}

impl std::fmt::Debug for CachedCapabilities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedCapabilities")
            .field("db", &self.db)
            .field("entries", &self.entries.entry_count())
            .finish_non_exhaustive()
    }
}

impl CachedCapabilities {
    /// An empty cache over a database.
    pub fn new(db: Db, embedder: Arc<dyn Embedder>) -> Self {
        Self {
            db,
            embedder,
            entries: Cache::builder()
                .max_capacity(CAPACITY)
                .expire_after(Lifetime)
                .build(),
            changes: Changes::default(),
        }
    }

    /// Everything about one capability, as [`get`](super::get) gives it; from memory where that is fresh, without a statement.
    ///
    /// # Errors
    /// Those of [`get`](super::get). They are not kept: what was not found is looked for again.
    pub async fn get(&self, who: &Principal, reference: &Reference) -> Result<Arc<Details>, Error> {
        let key = (who.clone(), reference.clone());
        if let Some(entry) = self.entries.get(&key)
            && self
                .changes
                .none_since(entry.read_at, entry.details.pattern_id)
        {
            return Ok(entry.details);
        }
        let read_at = self.changes.now();
        let details = Arc::new(get(&self.db, who, reference).await?);
        if let Some(lifetime) = lifetime(&details) {
            let entry = Entry {
                details: details.clone(),
                read_at,
                lifetime,
            };
            self.entries.insert(key, entry);
        } else {
            self.entries.invalidate(&key);
        }
        Ok(details)
    }

    /// [`save`](super::save); forgets the pattern when it was there already, and everything for a new one, whose name may now be what others meant.
    ///
    /// # Errors
    /// Those of [`save`](super::save).
    pub async fn save(&self, who: &Principal, request: SaveRequest) -> Result<Saved, Error> {
        let change = self.changes.begin();
        let named = request.action.is_some();
        let saved = save(&self.db, self.embedder.as_ref(), who, request).await;
        // A name may be new, and from level 2 on there are children, with which others may have risen.
        change.end(&saved, |saved| {
            (!saved.created && !named && saved.hierarchy_level < 2).then_some(saved.pattern_id)
        });
        saved
    }

    /// [`rename`](super::rename); forgets everything, because a name may stand for another capability now.
    ///
    /// # Errors
    /// Those of [`rename`](super::rename).
    pub async fn rename(
        &self,
        who: &Principal,
        reference: &Reference,
        to: Rename,
    ) -> Result<Renamed, Error> {
        let change = self.changes.begin();
        let renamed = rename(&self.db, self.embedder.as_ref(), who, reference, to).await;
        change.end(&renamed, |_| None);
        renamed
    }

    /// [`merge`](super::merge); forgets everything.
    ///
    /// # Errors
    /// Those of [`merge`](super::merge).
    pub async fn merge(
        &self,
        who: &Principal,
        source: &Reference,
        target: &Reference,
        prefer_source_code: Option<bool>,
    ) -> Result<Merged, Error> {
        let change = self.changes.begin();
        let merged = merge(&self.db, who, source, target, prefer_source_code).await;
        change.end(&merged, |_| None);
        merged
    }

    /// [`delete`](super::delete); forgets everything.
    ///
    /// # Errors
    /// Those of [`delete`](super::delete).
    pub async fn delete(&self, who: &Principal, reference: &Reference) -> Result<Deleted, Error> {
        let change = self.changes.begin();
        let deleted = delete(&self.db, who, reference).await;
        change.end(&deleted, |_| None);
        deleted
    }

    /// [`permissions::change`]; forgets the pattern, for everyone who knows it.
    ///
    /// # Errors
    /// Those of [`permissions::change`].
    pub async fn change_permission(
        &self,
        who: &Principal,
        reference: &Reference,
        to: PermissionChange,
    ) -> Result<Changed, Error> {
        let change = self.changes.begin();
        let changed = permissions::change(&self.db, who, reference, to).await;
        change.end(&changed, |changed| Some(changed.state.pattern_id));
        changed
    }

    /// Forgets everything: after a change that was made elsewhere.
    pub fn forget_all(&self) {
        self.changes.note(None);
        self.entries.invalidate_all();
    }
}

/// How long the row may be kept; `None`: not at all, as when it has no code and hence no `cache_config`.
fn lifetime(details: &Details) -> Option<Duration> {
    let config = details
        .cache_config
        .as_ref()
        .filter(|config| config.cacheable)?;
    let milliseconds = u64::try_from(config.ttl_ms).ok().filter(|ttl| *ttl > 0)?;
    Some(Duration::from_millis(milliseconds).min(LONGEST))
}

/// Each entry lives as long as its row says.
#[derive(Debug)]
struct Lifetime;

impl moka::Expiry<Key, Entry> for Lifetime {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.lifetime)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.lifetime)
    }
}

/// The changes so far, numbered; and the number of the last one that concerns a pattern, or everything.
#[derive(Debug)]
struct Changes {
    count: AtomicU64,
    everything: AtomicU64,
    patterns: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            everything: AtomicU64::new(0),
            patterns: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Changes {
    fn now(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Whether nothing that concerns the pattern changed after `read_at`.
    fn none_since(&self, read_at: u64, pattern: Option<PatternId>) -> bool {
        let last = pattern.and_then(|pattern| self.counter(pattern));
        self.everything.load(Ordering::SeqCst) <= read_at
            && last.is_none_or(|last| last.load(Ordering::SeqCst) <= read_at)
    }

    /// Notes a change of one pattern, or of everything.
    fn note(&self, pattern: Option<PatternId>) {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        pattern
            .and_then(|pattern| self.counter(pattern))
            .unwrap_or(&self.everything)
            .fetch_max(number, Ordering::SeqCst);
    }

    fn counter(&self, pattern: PatternId) -> Option<&AtomicU64> {
        let hash = self.hasher.hash_one(pattern) % (COUNTERS as u64);
        self.patterns.get(usize::try_from(hash).ok()?)
    }

    fn begin(&self) -> Change<'_> {
        Change {
            changes: self,
            done: false,
        }
    }
}

/// A change on its way. Dropped before its end (the caller went away), it counts as a change of everything: it may have been committed.
struct Change<'a> {
    changes: &'a Changes,
    done: bool,
}

impl Change<'_> {
    /// Notes what a successful change concerns; a refused one concerns nothing, and one whose outcome is unknown everything.
    fn end<T>(mut self, outcome: &Result<T, Error>, concerns: impl Fn(&T) -> Option<PatternId>) {
        match outcome {
            Ok(changed) => self.changes.note(concerns(changed)),
            Err(Error::DatabaseUnavailable(_) | Error::Timeout(_) | Error::Database(_)) => {
                self.changes.note(None);
            }
            Err(_) => {}
        }
        self.done = true;
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.changes.note(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_read_before_a_change_and_stored_after_it_is_worth_nothing() {
        let changes = Changes::default();
        let pattern = PatternId::generate();
        let read_at = changes.now();
        assert!(changes.none_since(read_at, Some(pattern)));
        changes.note(Some(pattern));
        assert!(!changes.none_since(read_at, Some(pattern)));
        assert!(changes.none_since(changes.now(), Some(pattern)));
    }

    #[test]
    fn a_change_of_one_pattern_leaves_others_and_a_change_of_everything_none() {
        let changes = Changes::default();
        let pattern = PatternId::generate();
        let counter = |pattern| changes.hasher.hash_one(pattern) % (COUNTERS as u64);
        let other = (0..100)
            .map(|_| PatternId::generate())
            .find(|other| counter(*other) != counter(pattern));
        assert!(other.is_some());
        let read_at = changes.now();
        changes.note(Some(pattern));
        assert!(changes.none_since(read_at, other));
        assert!(changes.none_since(read_at, None));
        changes.note(None);
        assert!(!changes.none_since(read_at, other));
        assert!(!changes.none_since(read_at, None));
    }

    #[test]
    fn a_change_that_was_given_up_half_way_counts_and_a_refused_one_does_not() {
        let changes = Changes::default();
        let read_at = changes.now();
        let refused: Result<(), Error> = Err(Error::InvalidCursor);
        changes.begin().end(&refused, |()| None);
        assert!(changes.none_since(read_at, None));
        drop(changes.begin());
        assert!(!changes.none_since(read_at, None));
    }
}
