//! Identifiers that cannot be mixed up.
//!
//! Two of them name one capability: [`CapabilityId`] is its entry in the registry (`capability_records.id`, what people and
//! graph nodes use), [`PatternId`] its code and statistics (`workflow_pattern.pattern_id`, what every foreign key uses).
//! They are different UUIDs; the only bridge is `capability_records.workflow_pattern_id`, or the view `capability`.
//!
//! Reading a row never validates a text id, since older systems wrote ids that break today's rules and such a row must stay
//! readable. `new`, `FromStr`, `TryFrom` and serde do validate.

use sea_orm::prelude::Uuid;

/// Declares an id that PostgreSQL stores as `uuid`.
macro_rules! uuid_id {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            sea_orm::DeriveValueType,
        )]
        #[sea_orm(try_getable_array)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Names the row with this UUID.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// A fresh id. Time-ordered (UUID version 7), so rows that are written together lie together in the index.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare UUID.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

/// Declares an id that a sequence of the database hands out.
macro_rules! serial_id {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            sea_orm::DeriveValueType,
        )]
        #[sea_orm(try_getable_array)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Names the row with this number.
            pub const fn new(id: i64) -> Self {
                Self(id)
            }

            /// The bare number.
            pub const fn as_i64(&self) -> i64 {
                self.0
            }
        }

        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                Self(id)
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

uuid_id! {
    /// A person or an agent account (`users.id`).
    UserId;
    /// The code, embedding and statistics of a workflow (`workflow_pattern.pattern_id`). Not the registry id.
    PatternId;
    /// A capability's entry in the registry (`capability_records.id`). Not the pattern id.
    CapabilityId;
    /// One recorded run (`execution_trace.id`); equal to the id of the workflow that ran.
    TraceId;
    /// One scored candidate (`algorithm_traces.trace_id`).
    AlgorithmTraceId;
    /// One entry of the permission audit (`permission_audit_log.id`).
    AuditId;
    /// One change of a capability's name (`capability_name_history.id`).
    NameChangeId;
    /// One owner's model weights (`shgat_params.id`).
    ShgatParamsId;
    /// One traced execution as the world knows it (`execution_traces.correlation_id`); also a root or a parent.
    CorrelationId;
    /// The row of a traced execution (`execution_traces.id`), which its parts refer to. Not the correlation id, and nothing to do
    /// with [`TraceId`].
    ExecutionTraceId;
    /// The session of a client that several executions belong to.
    SessionId;
    /// One routing decision (`agent_routing_decisions.id`).
    RoutingDecisionId;
    /// The row of a hook that ran (`hook_executions.id`).
    HookExecutionId;
    /// What the header `X-Execution-ID` says (`hook_executions.execution_id`); nested hooks name each other by it.
    ExecutionId;
    /// One call of a service (`endpoint_calls.id`).
    EndpointCallId;
    /// The row of a success pattern (`success_patterns.id`). Nothing refers to it.
    SuccessPatternRowId;
    /// A success pattern as the world knows it (`success_patterns.pattern_id`). Not a [`PatternId`], which names learned code.
    SuccessPatternId;
    /// One entry of the usage log (`pattern_usage_log.id`).
    PatternUsageId;
    /// One way in which agents hand work on (`agent_chaining_patterns.id`).
    AgentChainId;
    /// One recurring error (`error_patterns.id`).
    ErrorPatternId;
}

serial_id! {
    /// One measured value (`metrics.id`).
    MetricId;
    /// One logged error (`error_log.id`).
    ErrorLogId;
    /// One entropy measurement (`entropy_history.id`).
    EntropyId;
}

impl CapabilityId {
    /// The capability's node in the graph: `capability:` and the registry id.
    pub fn graph_node(&self) -> String {
        format!("capability:{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sea_orm::sea_query::{ColumnType, ValueType};

    use super::*;

    #[test]
    fn fresh_ids_sort_by_time_of_creation() {
        let ids: Vec<TraceId> = (0..50).map(|_| TraceId::generate()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn column_types_are_those_of_the_schema() {
        assert_eq!(<PatternId as ValueType>::column_type(), ColumnType::Uuid);
        assert_eq!(
            <MetricId as ValueType>::column_type(),
            ColumnType::BigInteger
        );
    }

    #[test]
    fn a_graph_node_is_named_by_the_registry_id() {
        let id: CapabilityId = "6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f".parse().unwrap();
        assert_eq!(
            id.graph_node(),
            "capability:6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f"
        );
        assert!("not a uuid".parse::<CapabilityId>().is_err());
    }

    proptest! {
        #[test]
        fn uuid_ids_round_trip(bits in any::<u128>()) {
            let id = PatternId::new(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<PatternId>().unwrap(), id);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<PatternId>(&json).unwrap(), id);
        }

        #[test]
        fn serial_ids_round_trip(number in any::<i64>()) {
            let id = MetricId::new(number);
            prop_assert_eq!(id.to_string().parse::<MetricId>().unwrap(), id);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<MetricId>(&json).unwrap(), id);
        }
    }
}
