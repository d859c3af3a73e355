//! How well a pattern fits a request, and what the router makes of it.

use std::collections::BTreeSet;

use pml_entity::values::SuccessPatternId;

/// Lowest total of a match that a search keeps when its caller names none.
pub const DEFAULT_MIN_CONFIDENCE: f64 = 0.70;
/// Matches of a search that asks for no number.
pub const DEFAULT_MAX_RESULTS: u32 = 5;
/// Lowest total of a match that the router looks at.
pub const ROUTER_MIN_CONFIDENCE: f64 = 0.75;
/// Matches that the router looks at.
pub const ROUTER_MAX_RESULTS: u32 = 3;
/// Lowest total of a match that is replayed.
pub const REPLAY_CONFIDENCE: f64 = 0.85;
/// A pattern that worked less often is of low confidence: shown, not replayed.
pub const LOW_CONFIDENCE_RATE: f64 = 0.70;

/// What is compared with the patterns, apart from the vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFeatures {
    /// Words of the request, in lower case.
    pub keywords: Vec<String>,
    /// What the request wants.
    pub intent: Option<String>,
    /// Where it belongs; `general` where nobody said.
    pub domain: String,
}

/// The same of a pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PatternFeatures<'a> {
    /// Its words.
    pub keywords: &'a [String],
    /// Its intent.
    pub intent: Option<&'a str>,
    /// Its domain.
    pub domain: &'a str,
    /// Share of its replays that worked, 0–1.
    pub success_rate: f64,
}

/// The five parts of a match, each 0–1 (the cosine −1–1), and their weighted sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MatchScore {
    /// Cosine similarity of the two embeddings. Weight 0.40.
    pub semantic: f64,
    /// Shared words over the longer list of words. Weight 0.20.
    pub keyword: f64,
    /// 1 for the same intent, else 0.3. Weight 0.20.
    pub intent: f64,
    /// 1 for the same domain, else 0.5. Weight 0.10.
    pub context: f64,
    /// How often the pattern worked. Weight 0.10.
    pub historical: f64,
    /// The weighted sum.
    pub total: f64,
}

impl MatchScore {
    /// Section 12.3. Two requests without an intent have the same one.
    pub fn of(semantic: f64, request: &RequestFeatures, pattern: &PatternFeatures<'_>) -> Self {
        let keyword = shared_keywords(&request.keywords, pattern.keywords);
        let intent = if request.intent.as_deref() == pattern.intent {
            1.0
        } else {
            0.3
        };
        let context = if request.domain == pattern.domain {
            1.0
        } else {
            0.5
        };
        let historical = pattern.success_rate;
        Self {
            semantic,
            keyword,
            intent,
            context,
            historical,
            total: 0.4 * semantic + 0.2 * keyword + 0.2 * intent + 0.1 * context + 0.1 * historical,
        }
    }

    /// What matches are sorted by: the total, times how often the pattern worked.
    pub fn rank(&self) -> f64 {
        self.total * self.historical
    }
}

fn shared_keywords(request: &[String], pattern: &[String]) -> f64 {
    let set = |words: &[String]| {
        words
            .iter()
            .map(|word| word.to_lowercase())
            .collect::<BTreeSet<_>>()
    };
    let (request, pattern) = (set(request), set(pattern));
    let longer = request.len().max(pattern.len());
    if longer == 0 {
        return 0.0;
    }
    #[allow(clippy::cast_precision_loss, reason = "a handful of words")]
    let share = request.intersection(&pattern).count() as f64 / longer as f64;
    share
}

/// Drops what is below `min_confidence`, sorts the rest by [`rank`](MatchScore::rank), best first, and keeps `max_results`. Equal ranks
/// stand in the order of their totals, then of their ids.
pub fn rank<T>(
    mut matches: Vec<T>,
    min_confidence: f64,
    max_results: usize,
    key: impl Fn(&T) -> (MatchScore, SuccessPatternId),
) -> Vec<T> {
    matches.retain(|candidate| key(candidate).0.total >= min_confidence);
    matches.sort_by(|a, b| {
        let ((a, a_id), (b, b_id)) = (key(a), key(b));
        b.rank()
            .total_cmp(&a.rank())
            .then_with(|| b.total.total_cmp(&a.total))
            .then_with(|| a_id.cmp(&b_id))
    });
    matches.truncate(max_results);
    matches
}

/// What the router does with the best match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Replay the pattern; the routing strategy is `learned_pattern`.
    Replay,
    /// Route normally, and offer the pattern as a suggestion.
    Suggest,
    /// Route normally.
    Normal,
}

/// Looks at the first of the sorted matches, and at no other: 0.85 and more is replayed, 0.75 and more suggested. A pattern of low
/// confidence is at most suggested.
pub fn decide(best: Option<&MatchScore>) -> Decision {
    match best {
        Some(best) if best.total >= REPLAY_CONFIDENCE && best.historical >= LOW_CONFIDENCE_RATE => {
            Decision::Replay
        }
        Some(best) if best.total >= ROUTER_MIN_CONFIDENCE => Decision::Suggest,
        _ => Decision::Normal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn example_33(domain: &str) -> MatchScore {
        let request = RequestFeatures {
            keywords: words(&["fix", "login", "Timeout", "test"]),
            intent: Some("debugging".to_owned()),
            domain: "api".to_owned(),
        };
        let keywords = words(&["fix", "login", "timeout", "retry", "session"]);
        MatchScore::of(
            0.92,
            &request,
            &PatternFeatures {
                keywords: &keywords,
                intent: Some("debugging"),
                domain,
                success_rate: 0.90,
            },
        )
    }

    fn of(total: f64, historical: f64) -> MatchScore {
        MatchScore {
            historical,
            total,
            ..MatchScore::default()
        }
    }

    /// Example 33.
    #[test]
    fn the_five_parts_add_up_and_a_good_match_is_replayed() {
        let score = example_33("api");
        assert!((score.keyword - 0.6).abs() < 1e-12);
        assert!((score.total - 0.878).abs() < 1e-12, "{score:?}");
        assert_eq!(decide(Some(&score)), Decision::Replay);
    }

    /// Example 35.
    #[test]
    fn another_domain_costs_a_twentieth_and_leaves_a_suggestion() {
        let score = example_33("web");
        assert!((score.total - 0.828).abs() < 1e-12, "{score:?}");
        assert_eq!(decide(Some(&score)), Decision::Suggest);
    }

    /// Example 37.
    #[test]
    fn only_the_first_of_the_sorted_matches_is_tested() {
        let (x, y) = (SuccessPatternId::generate(), SuccessPatternId::generate());
        let sorted = rank(
            vec![(of(0.86, 0.80), y), (of(0.80, 0.95), x)],
            0.75,
            3,
            |it| *it,
        );
        assert_eq!(sorted.iter().map(|it| it.1).collect::<Vec<_>>(), [x, y]);
        assert!((sorted[0].0.rank() - 0.760).abs() < 1e-12);
        assert!((sorted[1].0.rank() - 0.688).abs() < 1e-12);
        assert_eq!(decide(sorted.first().map(|it| &it.0)), Decision::Suggest);
    }

    #[test]
    fn the_limits_belong_to_the_better_side() {
        assert_eq!(decide(Some(&of(0.85, 0.70))), Decision::Replay);
        assert_eq!(decide(Some(&of(0.849_9, 1.0))), Decision::Suggest);
        assert_eq!(decide(Some(&of(0.75, 1.0))), Decision::Suggest);
        assert_eq!(decide(Some(&of(0.749_9, 1.0))), Decision::Normal);
        assert_eq!(decide(None), Decision::Normal);
    }

    #[test]
    fn a_pattern_of_low_confidence_is_shown_and_not_replayed() {
        assert_eq!(decide(Some(&of(0.95, 0.699_9))), Decision::Suggest);
    }

    #[test]
    fn nothing_in_common_and_nothing_at_all_are_no_shared_words() {
        assert!(shared_keywords(&[], &[]).abs() < 1e-12);
        assert!(shared_keywords(&words(&["a"]), &[]).abs() < 1e-12);
        assert!((shared_keywords(&words(&["a", "a"]), &words(&["A"])) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_minimum_is_on_the_total_and_the_cut_comes_last() {
        let ids: Vec<_> = (0..4).map(|_| SuccessPatternId::generate()).collect();
        let matches = vec![
            (of(0.69, 1.0), ids[0]),
            (of(0.70, 0.1), ids[1]),
            (of(0.80, 0.9), ids[2]),
            (of(0.90, 0.9), ids[3]),
        ];
        let sorted = rank(matches, 0.70, 2, |it| *it);
        assert_eq!(
            sorted.iter().map(|it| it.1).collect::<Vec<_>>(),
            [ids[3], ids[2]]
        );
    }
}
