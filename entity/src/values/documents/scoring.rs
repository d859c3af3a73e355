//! What an algorithm saw when it scored a candidate, and what came of it.

use serde::{Deserialize, Serialize};

use super::{Extra, null_as_default};
use crate::values::text_enum::text_enum;

/// `algorithm_traces.signals`: the inputs of a score. Keys are in camel case. Absent: not computed.
///
/// Scores and rates are in 0..=1 unless a field says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AlgorithmSignals {
    /// Edges divided by possible edges of the graph.
    #[serde(deserialize_with = "null_as_default")]
    pub graph_density: f64,
    /// Whether candidate and context lie in one spectral cluster.
    #[serde(deserialize_with = "null_as_default")]
    pub spectral_cluster_match: bool,
    /// Cosine similarity of intent and candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semantic_score: Option<f64>,
    /// Relatedness in the graph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph_score: Option<f64>,
    /// Share of tools in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_overlap: Option<f64>,
    /// Success rate of the candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<f64>,
    /// `PageRank` of the candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagerank: Option<f64>,
    /// How often it was seen with the context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooccurrence: Option<f64>,
    /// Adamic-Adar index; not bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adamic_adar: Option<f64>,
    /// Weight of the semantic score near this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_alpha: Option<f64>,
    /// How that weight was found: `embeddings_hybrides`, `heat_diffusion`, `heat_hierarchical`, `bayesian`, `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha_algorithm: Option<String>,
    /// Whether too little was known to compute it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold_start: Option<bool>,
    /// Heads of the attention network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_heads: Option<i64>,
    /// Their mean score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg_head_score: Option<f64>,
    /// The score of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_scores: Option<Vec<f64>>,
    /// The weight of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_weights: Option<Vec<f64>>,
    /// Part of the score that comes from nested capabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recursive_contribution: Option<f64>,
    /// Part of the score that comes from meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_contrib_semantic: Option<f64>,
    /// Part of the score that comes from structure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_contrib_structure: Option<f64>,
    /// Part of the score that comes from recency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_contrib_temporal: Option<f64>,
    /// Part of the score that comes from reliability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_contrib_reliability: Option<f64>,
    /// The candidate: a tool id or a registry id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// Its success rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_success_rate: Option<f64>,
    /// Its usage count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_usage_count: Option<i64>,
    /// Factor that its reliability put on the score; may exceed 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliability_mult: Option<f64>,
    /// Whether a path led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_found: Option<bool>,
    /// Edges on that path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length: Option<i64>,
    /// Sum of the weights on that path; not bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_weight: Option<f64>,
    /// Whether the candidate is an operation without side effects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pure: Option<bool>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `algorithm_traces.params`: the settings of a score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AlgorithmParams {
    /// Weight of the semantic score against the graph score, 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Factor for the candidate's reliability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliability_factor: Option<f64>,
    /// Bonus for a structural match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structural_boost: Option<f64>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

text_enum! {
    /// What the user did with a suggestion.
    pub enum UserAction {
        /// Took it.
        Selected = "selected",
        /// Did not react.
        Ignored = "ignored",
        /// Refused it.
        ExplicitRejection = "explicit_rejection",
    }
}

/// `algorithm_traces.outcome`: what came of an accepted candidate. Replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AlgorithmOutcome {
    /// What the user did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_action: Option<UserAction>,
    /// Whether the run that followed succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_success: Option<bool>,
    /// How long that run took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AlgorithmOutcome {
    /// An outcome that knows only what the user did.
    pub fn of(action: UserAction) -> Self {
        Self {
            user_action: Some(action),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_mandatory_signals_are_always_written() {
        assert_eq!(
            serde_json::to_value(AlgorithmSignals::default()).unwrap(),
            json!({"graphDensity": 0.0, "spectralClusterMatch": false})
        );
    }

    #[test]
    fn signals_round_trip_with_unknown_keys() {
        let stored = json!({
            "graphDensity": 0.25, "spectralClusterMatch": true, "featureContribSemantic": 0.5, "headScores": [0.1, 0.2],
            "targetUsageCount": 3, "adamicAdar": 1.5, "gruBias": {"a": 1}
        });
        let read: AlgorithmSignals = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(read.feature_contrib_semantic, Some(0.5));
        assert_eq!(serde_json::to_value(read).unwrap(), stored);
    }

    #[test]
    fn an_outcome_spells_the_action_as_stored() {
        let outcome = AlgorithmOutcome::of(UserAction::ExplicitRejection);
        assert_eq!(
            serde_json::to_value(outcome).unwrap(),
            json!({"userAction": "explicit_rejection"})
        );
        assert!(
            serde_json::from_value::<AlgorithmOutcome>(json!({"userAction": "liked"})).is_err()
        );
    }
}
