//! Where a row stands in a list, and what comes behind it.

use pml_entity::capabilities::capability::Column;
use pml_entity::values::CapabilityId;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, ExprTrait, Order, Value};
use serde::{Deserialize, Serialize};

use super::{ListFilter, SUCCESS_RATE, Sort, Summary, USAGE_COUNT};
use crate::Error;

/// By their bytes, so that every server orders them alike.
const NAMESPACE: &str = "capability.namespace COLLATE \"C\"";
const ACTION: &str = "capability.action COLLATE \"C\"";
/// An entry without code was never used.
const LAST_USED: &str = "coalesce(capability.last_used, 'epoch'::timestamptz)";

/// The sort key of a row.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Position {
    /// The value it is sorted by: a count, the bits of a share, or microseconds since 1970. 0 for a name.
    value: i64,
    namespace: String,
    action: String,
    id: CapabilityId,
}

/// The position of a row.
pub(super) fn of(sort: Sort, row: &Summary) -> Position {
    let value = match sort {
        Sort::Name => 0,
        Sort::UsageCount => row.usage_count,
        // Its text in JSON need not give back the last bit.
        Sort::SuccessRate => row.success_rate.to_bits().cast_signed(),
        Sort::LastUsed => row.last_used.map_or(0, |time| time.timestamp_micros()),
        Sort::CreatedAt => row.created_at.timestamp_micros(),
    };
    Position {
        value,
        namespace: row.namespace.clone(),
        action: row.action.clone(),
        id: row.id,
    }
}

/// The columns that a list is ordered by.
pub(super) fn order(filter: &ListFilter) -> Vec<(SimpleExpr, Order)> {
    let direction = if filter.is_descending() {
        Order::Desc
    } else {
        Order::Asc
    };
    let tie = match filter.sort {
        Sort::Name => direction.clone(),
        _ => Order::Asc,
    };
    let sorted = sorted_by(filter.sort).map(|expression| (expression, direction));
    let names = name().map(|expression| (expression, tie.clone()));
    sorted.into_iter().chain(names).collect()
}

/// The rows behind a position.
///
/// # Errors
/// [`Error::InvalidCursor`] for a position that no row has.
pub(super) fn behind(filter: &ListFilter, position: &Position) -> Result<Condition, Error> {
    if position.namespace.contains('\0') || position.action.contains('\0') {
        return Err(Error::InvalidCursor);
    }
    let names = Expr::tuple(name());
    let here = Expr::tuple([
        Expr::val(position.namespace.as_str()),
        Expr::val(position.action.as_str()),
        Expr::val(Value::from(position.id)),
    ]);
    let Some(sorted) = sorted_by(filter.sort) else {
        return Ok(Condition::all().add(if filter.is_descending() {
            names.lt(here)
        } else {
            names.gt(here)
        }));
    };
    let value = value(filter.sort, position.value)?;
    let beyond = if filter.is_descending() {
        sorted.clone().lt(value.clone())
    } else {
        sorted.clone().gt(value.clone())
    };
    let level = Condition::all().add(sorted.eq(value)).add(names.gt(here));
    Ok(Condition::any().add(beyond).add(level))
}

fn name() -> [SimpleExpr; 3] {
    [
        Expr::cust(NAMESPACE),
        Expr::cust(ACTION),
        Column::Id.into_expr(),
    ]
}

fn sorted_by(sort: Sort) -> Option<SimpleExpr> {
    match sort {
        Sort::Name => None,
        Sort::UsageCount => Some(Expr::cust(USAGE_COUNT)),
        Sort::SuccessRate => Some(Expr::cust(SUCCESS_RATE)),
        Sort::LastUsed => Some(Expr::cust(LAST_USED)),
        Sort::CreatedAt => Some(Column::CreatedAt.into_expr()),
    }
}

fn value(sort: Sort, value: i64) -> Result<Value, Error> {
    Ok(match sort {
        Sort::Name | Sort::UsageCount => value.into(),
        Sort::SuccessRate => f64::from_bits(value.cast_unsigned()).into(),
        Sort::LastUsed | Sort::CreatedAt => DateTimeUtc::from_timestamp_micros(value)
            .ok_or(Error::InvalidCursor)?
            .into(),
    })
}
