//! The vector of a name and a description.

use pml_entity::values::Embedding;

use super::state::{Fields, State};
use crate::Error;
use crate::embedding::Embedder;

/// What the vector of a named capability is made of (SEARCH-9): `namespace:action: description`, or only the name.
pub(in crate::capabilities) fn embedded_text(
    namespace: &str,
    action: &str,
    description: Option<&str>,
) -> String {
    match description {
        Some(description) => format!("{namespace}:{action}: {description}"),
        None => format!("{namespace}:{action}"),
    }
}

fn text_of(fields: &Fields) -> String {
    embedded_text(
        &fields.namespace,
        &fields.action,
        fields.description.as_deref(),
    )
}

/// What came of asking the embedder.
#[derive(Debug)]
pub(super) struct Made<'a> {
    model: &'a str,
    text: String,
    embedding: Result<Embedding, String>,
}

/// Asks for the vector of the fields. That none can be made is no error here.
///
/// # Errors
/// [`Error::MixedModels`] if the stored vectors are of another model.
pub(super) async fn make<'a>(
    embedder: &'a dyn Embedder,
    state: &State,
    wanted: &Fields,
) -> Result<Made<'a>, Error> {
    let model = embedder.model_id();
    ensure_one_model(state, model)?;
    let text = text_of(wanted);
    let embedding = match embedder.embed(std::slice::from_ref(&text)).await {
        Ok(made) => made
            .into_iter()
            .next()
            .ok_or_else(|| "the embedder gave no vector".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    Ok(Made {
        model,
        text,
        embedding,
    })
}

fn ensure_one_model(state: &State, model: &str) -> Result<(), Error> {
    match &state.other_model {
        Some(stored) => Err(Error::MixedModels {
            stored: stored.clone(),
            requested: model.to_owned(),
        }),
        None => Ok(()),
    }
}

impl<'a> Made<'a> {
    /// The vector and its model, if it is of these fields; else a warning. `state` is what stands now, under the lock.
    ///
    /// # Errors
    /// [`Error::MixedModels`] if vectors of another model came in meanwhile.
    pub(super) fn of(
        self,
        state: &State,
        fields: &Fields,
        warnings: &mut Vec<String>,
    ) -> Result<Option<(Embedding, &'a str)>, Error> {
        let reason = match self.embedding {
            Ok(embedding) if self.text == text_of(fields) => {
                ensure_one_model(state, self.model)?;
                return Ok(Some((embedding, self.model)));
            }
            Ok(_) => "it was changed at the same moment".to_owned(),
            Err(reason) => reason,
        };
        tracing::warn!(%reason, "a renamed capability keeps its old vector");
        warnings.push(format!(
            "searches still go by the old name and description, until the vectors are made anew: {reason}"
        ));
        Ok(None)
    }
}
