//! Learning from a run, without ever getting in its way.

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::Value;

use super::{SaveRequest, Saved, save};
use crate::Principal;
use crate::embedding::Embedder;

/// What became of a run that might be learned from.
#[derive(Clone, Debug, PartialEq)]
pub enum Learned {
    /// It was saved.
    Saved(Saved),
    /// There is nothing to learn from it; says why.
    Skipped(&'static str),
    /// Saving failed; the log says why.
    Failed,
}

/// Saves a run if there is something to learn from it: it succeeded, an intent is known, and no tool call failed.
///
/// A call failed if it says `success: false`, or has an `error` that is not null. Code that calls no tool is saved too. Whatever goes wrong
/// is logged as a warning and answered with [`Learned::Failed`], because the run itself went well. Source: spec of capabilities, SAVE-1.
pub async fn learn<C>(
    db: &C,
    embedder: &dyn Embedder,
    who: &Principal,
    request: SaveRequest,
) -> Learned
where
    C: ConnectionTrait + TransactionTrait,
{
    if !request.success {
        return Learned::Skipped("the run failed");
    }
    if request.tool_invocations.iter().any(has_failed) {
        return Learned::Skipped("a tool call failed");
    }
    if request.intent.trim().is_empty() {
        return Learned::Skipped("no intent is known");
    }
    match save(db, embedder, who, request).await {
        Ok(saved) => Learned::Saved(saved),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, source, "a run was not learned");
            Learned::Failed
        }
    }
}

fn has_failed(invocation: &Value) -> bool {
    invocation.get("success") == Some(&Value::Bool(false))
        || invocation
            .get("error")
            .is_some_and(|error| !error.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_failed_if_it_says_so_or_has_an_error() {
        assert!(has_failed(&json!({"success": false})));
        assert!(has_failed(&json!({"success": true, "error": "no"})));
        assert!(has_failed(&json!({"error": {"code": 1}})));
        assert!(!has_failed(&json!({"error": null})));
        assert!(!has_failed(&json!({"success": true})));
        assert!(!has_failed(&json!({"tool": "fs:read"})));
    }
}
