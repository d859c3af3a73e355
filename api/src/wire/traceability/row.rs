//! From a row of the database to an object on the wire, field by field under the same names.

use chrono::{DateTime, Utc};
use pml_entity::values::{
    AgentChainId, CorrelationId, EndpointCallId, EndpointPattern, ErrorCategory, ErrorPatternId,
    ExecutionId, ExecutionTraceId, HookExecutionId, HookSequence, HookStatus, PatternUsageId,
    RoutingAlternatives, RoutingDecisionId, Score, SessionId, Severity, SuccessPatternId,
    SuccessPatternRowId, TraceStatus, UsageOutcome,
};
use sea_orm::prelude::{Decimal, Uuid};
use serde_json::Value;

/// A stored value as JSON shows it.
pub trait OnWire<T> {
    /// The shown form.
    fn on_wire(self) -> T;
}

impl<T: OnWire<U>, U> OnWire<Option<U>> for Option<T> {
    fn on_wire(self) -> Option<U> {
        self.map(T::on_wire)
    }
}

impl<T: OnWire<U>, U> OnWire<Vec<U>> for Vec<T> {
    fn on_wire(self) -> Vec<U> {
        self.into_iter().map(T::on_wire).collect()
    }
}

macro_rules! on_wire {
    ($($from:ty as $to:ty: |$value:ident| $shown:expr;)+) => {$(
        impl OnWire<$to> for $from {
            fn on_wire(self) -> $to {
                let $value = self;
                $shown
            }
        }
    )+};
}

on_wire! {
    String as String: |text| text;
    bool as bool: |flag| flag;
    i32 as i32: |number| number;
    i64 as i64: |number| number;
    f64 as f64: |number| number;
    DateTime<Utc> as DateTime<Utc>: |time| time;
    Value as Value: |json| json;
    Score as f64: |score| score.as_f64();
    Decimal as f64: |number| f64::try_from(number).unwrap_or_default();
    TraceStatus as String: |word| word.to_string();
    HookStatus as String: |word| word.to_string();
    UsageOutcome as String: |word| word.to_string();
    ErrorCategory as String: |word| word.to_string();
    Severity as String: |word| word.to_string();
    RoutingAlternatives as Value: |document| serde_json::to_value(document).unwrap_or_default();
    HookSequence as Value: |document| serde_json::to_value(document).unwrap_or_default();
    EndpointPattern as Value: |document| serde_json::to_value(document).unwrap_or_default();
    AgentChainId as Uuid: |id| id.as_uuid();
    CorrelationId as Uuid: |id| id.as_uuid();
    EndpointCallId as Uuid: |id| id.as_uuid();
    ExecutionId as Uuid: |id| id.as_uuid();
    ErrorPatternId as Uuid: |id| id.as_uuid();
    ExecutionTraceId as Uuid: |id| id.as_uuid();
    HookExecutionId as Uuid: |id| id.as_uuid();
    PatternUsageId as Uuid: |id| id.as_uuid();
    RoutingDecisionId as Uuid: |id| id.as_uuid();
    SessionId as Uuid: |id| id.as_uuid();
    SuccessPatternId as Uuid: |id| id.as_uuid();
    SuccessPatternRowId as Uuid: |id| id.as_uuid();
}

/// Declares the shown form of a row: `pub struct Shown from Row { field: Type, … }`. A field that is left out is not shown. Where two
/// types of row have the same fields, `from Row or Other` takes both.
macro_rules! row {
    (
        $(#[$meta:meta])*
        pub struct $name:ident from $model:path $(, or $other:path)? {
            $( $(#[$field_meta:meta])* $field:ident: $kind:ty, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $kind, )+
        }

        $crate::wire::traceability::row::from_row!($name, $model, $($field)+);
        $crate::wire::traceability::row::from_other!($name, [$($other)?], $($field)+);
    };
}

/// Fills `$name` from a row, field by field.
macro_rules! from_row {
    ($name:ident, $model:path, $($field:ident)+) => {
        impl From<$model> for $name {
            fn from(row: $model) -> Self {
                Self {
                    $( $field: $crate::wire::traceability::row::OnWire::on_wire(row.$field), )+
                }
            }
        }
    };
}

/// The same for the second type of row, where there is one.
macro_rules! from_other {
    ($name:ident, [], $($field:ident)+) => {};
    ($name:ident, [$other:path], $($field:ident)+) => {
        $crate::wire::traceability::row::from_row!($name, $other, $($field)+);
    };
}

pub(crate) use {from_other, from_row, row};
