//! How much an edge is trusted, and what an observation changes: as functions, and as the same rules in SQL.
//!
//! Source: spec of capabilities, DEP-1 to DEP-3, with D01 (confidence of the stored type and source) and K16 (template edges).

use pml_entity::values::{EdgeSource, EdgeType};

/// Observations from which an inferred edge counts as observed.
const OBSERVED_FROM: i64 = 3;

/// Weight of a kind of edge, 0..=1.
pub fn weight(edge_type: EdgeType) -> f64 {
    match edge_type {
        EdgeType::Dependency => 1.0,
        EdgeType::Contains => 0.8,
        EdgeType::Provides => 0.7,
        EdgeType::Alternative => 0.6,
        EdgeType::Sequence => 0.5,
    }
}

/// Factor of how an edge became known, 0..=1.
pub fn modifier(source: EdgeSource) -> f64 {
    match source {
        EdgeSource::Observed => 1.0,
        EdgeSource::Inferred => 0.7,
        EdgeSource::Template => 0.5,
    }
}

/// Trust in an edge, 0..=1: [`weight`] times [`modifier`]. Always of the stored type and source.
pub fn confidence(edge_type: EdgeType, source: EdgeSource) -> f64 {
    weight(edge_type) * modifier(source)
}

/// The SET list for `n` more observations of a stored edge `d`. Both arguments are SQL of ours, never input.
///
/// `is_real` says whether somebody saw the pair: only that turns a template edge into an inferred one, whose count then starts anew.
pub(super) fn counting(is_real: &str, n: &str) -> String {
    let count = format!(
        "CASE WHEN d.edge_source = 'template' AND {is_real} THEN {n} ELSE d.observed_count + {n} END"
    );
    let source = format!(
        "CASE WHEN d.edge_source = 'template' AND NOT ({is_real}) THEN 'template' \
              WHEN d.edge_source = 'observed' OR ({count}) >= {OBSERVED_FROM} THEN 'observed' ELSE 'inferred' END"
    );
    let weights = words(EdgeType::ALL, EdgeType::as_str, weight);
    let modifiers = words(EdgeSource::ALL, EdgeSource::as_str, modifier);
    format!(
        "observed_count = {count}, edge_source = {source}, \
         confidence_score = (CASE d.edge_type {weights} END) * (CASE {source} {modifiers} END), \
         last_observed = greatest(d.last_observed, now())"
    )
}

/// `WHEN 'word' THEN number` for each word of a set.
fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str, number: fn(T) -> f64) -> String {
    let cases: Vec<String> = all
        .iter()
        .map(|value| format!("WHEN '{}' THEN {:?}::float8", word(*value), number(*value)))
        .collect();
    cases.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of DEP-1, row by row: observed, inferred, template.
    #[test]
    fn confidence_is_the_published_table() {
        let table = [
            (EdgeType::Dependency, [1.00, 0.70, 0.50]),
            (EdgeType::Contains, [0.80, 0.56, 0.40]),
            (EdgeType::Provides, [0.70, 0.49, 0.35]),
            (EdgeType::Alternative, [0.60, 0.42, 0.30]),
            (EdgeType::Sequence, [0.50, 0.35, 0.25]),
        ];
        let sources = [
            EdgeSource::Observed,
            EdgeSource::Inferred,
            EdgeSource::Template,
        ];
        for (edge_type, row) in table {
            for (source, expected) in sources.into_iter().zip(row) {
                let actual = confidence(edge_type, source);
                assert!(
                    (actual - expected).abs() < 1e-9,
                    "{edge_type} {source}: {actual}"
                );
            }
        }
    }
}
