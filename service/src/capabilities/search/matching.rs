//! The one capability that an intent may run, or none.

use pml_entity::values::Decision;
use sea_orm::ConnectionTrait;

use super::statements::Nearest;
use super::{Hit, first, nearest, refuse_other_models, reliability};
use crate::capabilities::CapabilityError;
use crate::embedding::Embedder;
use crate::{Error, Limit, Principal, sql};

/// What a match must reach. The defaults are those of the active search (spec of capabilities, SEARCH-3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatchOptions {
    /// Lowest score that is accepted, 0–1, inclusive. An adaptive threshold of the learning area goes here.
    pub threshold: f64,
    /// Lowest cosine similarity of a candidate, 0–1, inclusive.
    pub min_semantic: f64,
    /// Nearest capabilities that are looked at, 1–500.
    pub candidates: i64,
}

impl Default for MatchOptions {
    fn default() -> Self {
        Self {
            threshold: 0.70,
            min_semantic: 0.65,
            candidates: 5,
        }
    }
}

/// What became of an intent.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// What became of the candidate. Without one: rejected by the threshold.
    pub decision: Decision,
    /// The best scored candidate, accepted or not. `None`: nothing was similar enough to be one.
    pub candidate: Option<Hit>,
    /// The threshold that was applied.
    pub threshold: f64,
}

impl Match {
    /// The capability to run, if one was accepted.
    pub fn accepted(&self) -> Option<&Hit> {
        self.candidate
            .as_ref()
            .filter(|_| self.decision == Decision::Accepted)
    }
}

/// Finds the one capability that fits an intent well enough to run it, among those that the principal sees.
///
/// Scores the nearest candidates as [`search`](super::search) does, takes the best one (of equal scores the nearest), and says what became of it. A blank
/// intent matches nothing. Statements as for a search.
///
/// # Errors
/// [`CapabilityError::InvalidFilter`] for an option outside its range, [`Error::InvalidQuery`], [`Error::MixedModels`], and
/// [`Error::Embedder`]: letters alone are no reason to run anything.
pub async fn best_match<C: ConnectionTrait>(
    db: &C,
    embedder: &dyn Embedder,
    who: &Principal,
    intent: &str,
    options: &MatchOptions,
) -> Result<Match, Error> {
    share("threshold", options.threshold)?;
    share("min_semantic", options.min_semantic)?;
    let candidates = Limit::new(Some(options.candidates))?;
    sql::check_query(intent)?;
    let nothing = Match {
        decision: Decision::RejectedByThreshold,
        candidate: None,
        threshold: options.threshold,
    };
    let intent = intent.trim();
    if intent.is_empty() {
        return Ok(nothing);
    }
    let Some(embedding) = embedder.embed(&[intent.to_owned()]).await.map(first)? else {
        return Ok(nothing);
    };
    let search = Nearest {
        who,
        embedding: &embedding,
        candidates: candidates.get(),
        limit: candidates.get(),
    };
    let ranking = nearest(db, search, 0.0).await?;
    refuse_other_models(&ranking, Some(embedder.model_id()))?;
    let Some(best) = ranking
        .hits
        .into_iter()
        .find(|hit| hit.semantic_score >= options.min_semantic)
    else {
        return Ok(nothing);
    };
    let decision = reliability::decide(best.score, best.reliability, options.threshold);
    tracing::debug!(capability = %best.fqdn, score = best.score, %decision, "intent matched");
    Ok(Match {
        decision,
        candidate: Some(best),
        ..nothing
    })
}

/// Refuses what is no number from 0 to 1.
pub(super) fn share(field: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(CapabilityError::InvalidFilter {
        field,
        rule: "must be a number from 0 to 1",
    }
    .into())
}
