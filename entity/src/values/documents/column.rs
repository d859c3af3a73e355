//! Makes the documents usable as `jsonb` columns.
//!
//! sea-orm's own derive declares `json` instead of `jsonb` and panics when serialising fails. The documents here are trees of
//! text, numbers and lists with text keys: serialising them cannot fail.

use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetableFromJson};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{
    AlgorithmOutcome, AlgorithmParams, AlgorithmSignals, BranchDecisions, CacheConfig, ContextKeys,
    DagStructure, EndpointPattern, EntropyByOrder, EpisodeData, HookSequence, InitialContext,
    RoutingAlternatives, TaskResults, ToolEmbeddingMetadata, WorkflowState,
};

/// A stored document, or the JSON `null` that older writers stored for an absent one. SQL NULL is told apart before.
#[derive(Deserialize)]
#[serde(transparent)]
struct OrNull<T>(Option<T>);

impl<T: Default> OrNull<T> {
    fn or_default(self) -> T {
        self.0.unwrap_or_default()
    }
}

impl<T: DeserializeOwned> TryGetableFromJson for OrNull<T> {}

macro_rules! json_columns {
    ($($name:ty),+ $(,)?) => {$(
        impl TryGetableFromJson for $name {
            fn try_get_from_json<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                OrNull::<Self>::try_get_from_json(row, index).map(OrNull::or_default)
            }
        }

        impl From<$name> for sea_orm::Value {
            fn from(document: $name) -> Self {
                Self::Json(Some(Box::new(serde_json::to_value(document).unwrap_or_default())))
            }
        }

        impl sea_orm::sea_query::ValueType for $name {
            fn try_from(value: sea_orm::Value) -> Result<Self, sea_orm::sea_query::ValueTypeErr> {
                match value {
                    sea_orm::Value::Json(Some(json)) => {
                        serde_json::from_value::<OrNull<Self>>(*json)
                            .map(OrNull::or_default)
                            .map_err(|_| sea_orm::sea_query::ValueTypeErr)
                    }
                    _ => Err(sea_orm::sea_query::ValueTypeErr),
                }
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> sea_orm::sea_query::ArrayType {
                sea_orm::sea_query::ArrayType::Json
            }

            fn column_type() -> sea_orm::sea_query::ColumnType {
                sea_orm::sea_query::ColumnType::JsonBinary
            }
        }

        impl sea_orm::sea_query::Nullable for $name {
            fn null() -> sea_orm::Value {
                sea_orm::Value::Json(None)
            }
        }

        impl sea_orm::IntoActiveValue<$name> for $name {
            fn into_active_value(self) -> sea_orm::ActiveValue<$name> {
                sea_orm::ActiveValue::Set(self)
            }
        }
    )+};
}

json_columns!(
    AlgorithmOutcome,
    AlgorithmParams,
    AlgorithmSignals,
    BranchDecisions,
    CacheConfig,
    ContextKeys,
    DagStructure,
    EndpointPattern,
    EntropyByOrder,
    EpisodeData,
    HookSequence,
    InitialContext,
    RoutingAlternatives,
    TaskResults,
    ToolEmbeddingMetadata,
    WorkflowState,
);

#[cfg(test)]
mod tests {
    use sea_orm::Value;
    use sea_orm::sea_query::{ColumnType, Nullable, ValueType};
    use serde_json::json;

    use super::*;

    /// The empty document must read: it is what every older row may hold.
    fn reads_empty<T>(empty: serde_json::Value)
    where
        T: TryGetableFromJson
            + ValueType
            + Nullable
            + Into<Value>
            + Default
            + Clone
            + PartialEq
            + std::fmt::Debug,
    {
        let document = <T as ValueType>::try_from(Value::from(empty)).unwrap();
        let again = <T as ValueType>::try_from(document.clone().into()).unwrap();
        assert_eq!(again, document);
        let null = <T as ValueType>::try_from(Value::Json(Some(Box::default()))).unwrap();
        assert_eq!(null, T::default());
        assert_eq!(<T as ValueType>::column_type(), ColumnType::JsonBinary);
        assert_eq!(T::null(), Value::Json(None));
    }

    #[test]
    fn every_document_reads_its_empty_form_and_survives_the_database_value() {
        reads_empty::<AlgorithmOutcome>(json!({}));
        reads_empty::<AlgorithmParams>(json!({}));
        reads_empty::<AlgorithmSignals>(json!({}));
        reads_empty::<BranchDecisions>(json!([]));
        reads_empty::<CacheConfig>(json!({}));
        reads_empty::<ContextKeys>(json!({}));
        reads_empty::<DagStructure>(json!({}));
        reads_empty::<EndpointPattern>(json!([]));
        reads_empty::<EntropyByOrder>(json!({}));
        reads_empty::<HookSequence>(json!([]));
        reads_empty::<RoutingAlternatives>(json!([]));
        reads_empty::<EpisodeData>(json!({}));
        reads_empty::<InitialContext>(json!({}));
        reads_empty::<TaskResults>(json!([]));
        reads_empty::<ToolEmbeddingMetadata>(json!({}));
        reads_empty::<WorkflowState>(json!({}));
    }
}
