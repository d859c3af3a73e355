//! Lists of capabilities.

mod position;

use pml_entity::capabilities::capability::{self, Column};
use pml_entity::values::{CapabilityId, PatternId, Routing, Visibility};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, LikeExpr, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Value,
};

use super::{CapabilityError, access, glob};
use crate::{Error, Page, PageRequest, Principal};

/// What a line shows as it is stored.
const COLUMNS: [Column; 14] = [
    Column::Id,
    Column::PatternId,
    Column::Fqdn,
    Column::DisplayName,
    Column::Namespace,
    Column::Action,
    Column::Description,
    Column::Visibility,
    Column::Routing,
    Column::Tags,
    Column::Verified,
    Column::Version,
    Column::LastUsed,
    Column::CreatedAt,
];
// Expressions on a row of the view `capability`, the same for what is shown, compared and ordered.
const TOOLS: &str = "coalesce(capability.tool_ids, '{}')";
const USAGE_COUNT: &str = "coalesce(capability.usage_count, 0)";
const SUCCESS_COUNT: &str = "coalesce(capability.success_count, 0)";
const SUCCESS_RATE: &str = "(CASE WHEN capability.usage_count > 0 \
     THEN capability.success_count::float8 / capability.usage_count ELSE 0::float8 END)";
const AVG_DURATION: &str = "coalesce(capability.avg_duration_ms, 0)";
const UNNAMED: &str = "capability.action ~ '^(exec_[0-9a-f]{8}|unnamed_)'";

/// Which capabilities a list shows. All conditions must hold; the default shows everything the caller may see.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListFilter {
    /// A glob on `namespace:action`: `*` is any text, `?` one character, `\` takes the special meaning from the next (LST-2).
    pub pattern: Option<String>,
    /// Only this namespace.
    pub namespace: Option<String>,
    /// Only this organisation.
    pub org: Option<String>,
    /// Only this project.
    pub project: Option<String>,
    /// Only those with this tag.
    pub tag: Option<String>,
    /// Only those of this visibility.
    pub visibility: Option<Visibility>,
    /// Only those that run there.
    pub routing: Option<Routing>,
    /// Only those whose signature was checked, or only the others.
    pub verified: Option<bool>,
    /// Only this community of the graph.
    pub community_id: Option<i32>,
    /// Only those that succeed at least this often, 0–1.
    pub min_success_rate: Option<f64>,
    /// Only those used at least this often, 0 or more.
    pub min_usage: Option<i64>,
    /// Only those that still have the name they were saved under: `exec_` and hexadecimal digits, or `unnamed_…` (K14).
    pub unnamed_only: bool,
    /// Only those that the caller owns or has run (OWN-1). Of a local installation: those that nobody owns.
    pub mine_only: bool,
    /// What the list is ordered by. Equal ones stand in the order of namespace, action and id.
    pub sort: Sort,
    /// Largest first. `None`: as suits [`Sort`].
    pub descending: Option<bool>,
}

impl ListFilter {
    fn is_descending(&self) -> bool {
        self.descending.unwrap_or(self.sort != Sort::Name)
    }
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// How often it was used, most first. The default (LST-1).
    #[default]
    UsageCount,
    /// Namespace and action, from A.
    Name,
    /// Share of uses that succeeded, highest first.
    SuccessRate,
    /// When it was last used, latest first.
    LastUsed,
    /// When the entry was made, latest first.
    CreatedAt,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Summary {
    /// The registry entry.
    pub id: CapabilityId,
    /// Its code. `None`: the pattern was deleted.
    pub pattern_id: Option<PatternId>,
    /// `org.project.namespace.action.hash`.
    pub fqdn: String,
    /// `namespace:action`.
    pub display_name: String,
    /// What it is about.
    pub namespace: String,
    /// What it does.
    pub action: String,
    /// What it does, for people.
    pub description: Option<String>,
    /// Who may see it.
    pub visibility: Visibility,
    /// Where it runs.
    pub routing: Routing,
    /// Labels.
    pub tags: Vec<String>,
    /// Tools it uses: normalised, distinct, sorted.
    pub tools: Vec<String>,
    /// Whether its signature was checked.
    pub verified: bool,
    /// Counts what was stored under this name, from 1.
    pub version: i32,
    /// How often its code was used.
    pub usage_count: i64,
    /// How often that succeeded.
    pub success_count: i64,
    /// `success_count / usage_count`, 0 without uses (USE-4).
    pub success_rate: f64,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i64,
    /// When it was last used.
    pub last_used: Option<DateTimeUtc>,
    /// When the entry was made.
    pub created_at: DateTimeUtc,
}

/// The capabilities that match and that the caller may see. One statement.
///
/// A cursor belongs to an order and to filters with their values. It stays valid when rows come and go; a row whose place changes in between may be
/// seen twice or not at all.
///
/// # Errors
/// [`CapabilityError::InvalidPattern`], [`CapabilityError::InvalidFilter`]; [`Error::InvalidCursor`] for a cursor of a list with another order
/// or with other filters.
pub async fn list<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    filter: &ListFilter,
    page: PageRequest,
) -> Result<Page<Summary>, Error> {
    let name = list_name(filter);
    let mut chosen = capability::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(access::visible(who, "capability", 1).into_expr())
        .filter(matching(who, filter)?)
        .limit(u64::from(page.limit.get()) + 1);
    if let Some(cursor) = &page.cursor {
        chosen = chosen.filter(position::behind(filter, &cursor.key(&name)?)?);
    }
    // Ordered by few columns first: what a line shows is then read for the lines of the page only, and not sorted along.
    let mut shown = capability::Entity::find()
        .select_only()
        .columns(COLUMNS)
        .column_as(Expr::cust(TOOLS), "tools")
        .column_as(Expr::cust(USAGE_COUNT), "usage_count")
        .column_as(Expr::cust(SUCCESS_COUNT), "success_count")
        .column_as(Expr::cust(SUCCESS_RATE), "success_rate")
        .column_as(Expr::cust(AVG_DURATION), "avg_duration_ms");
    for (expression, order) in position::order(filter) {
        chosen = chosen.order_by(expression.clone(), order.clone());
        shown = shown.order_by(expression, order);
    }
    let rows = shown
        .filter(Column::Id.in_subquery(chosen.into_query()))
        .into_model::<Summary>()
        .all(db)
        .await?;
    Ok(Page::cut(rows, page.limit, &name, |row| {
        position::of(filter.sort, row)
    }))
}

/// Names the list in its cursors: its order, and its filters with their values. A cursor holds only the start of a SHA-256 of it.
fn list_name(filter: &ListFilter) -> String {
    let conditions = ListFilter {
        sort: Sort::default(),
        descending: None,
        ..filter.clone()
    };
    // The text for debugging quotes what is in a string, so two filters never have the same.
    format!(
        "capabilities {:?} {} {conditions:?}",
        filter.sort,
        filter.is_descending()
    )
}

fn matching(who: &Principal, filter: &ListFilter) -> Result<Condition, Error> {
    let mut all = Condition::all();
    if let Some(pattern) = &filter.pattern {
        if pattern.trim().is_empty() {
            return Err(CapabilityError::InvalidPattern("it is blank").into());
        }
        all = all.add(Column::DisplayName.like(LikeExpr::new(glob::to_like(pattern)?)));
    }
    for (field, column, text) in [
        ("namespace", Column::Namespace, &filter.namespace),
        ("org", Column::Org, &filter.org),
        ("project", Column::Project, &filter.project),
    ] {
        all = all.add_option(checked(field, text.as_ref())?.map(|text| column.eq(text)));
    }
    if let Some(tag) = checked("tag", filter.tag.as_ref())? {
        all = all.add(Expr::cust_with_values(
            "capability.tags @> $1",
            [vec![tag.to_owned()]],
        ));
    }
    if let Some(rate) = filter.min_success_rate {
        if !(0.0..=1.0).contains(&rate) {
            return Err(refused("min_success_rate", "must be a number from 0 to 1"));
        }
        all = all.add(Expr::cust(SUCCESS_RATE).gte(rate));
    }
    if let Some(usage) = filter.min_usage {
        if usage < 0 {
            return Err(refused("min_usage", "must be 0 or more"));
        }
        all = all.add(Expr::cust(USAGE_COUNT).gte(usage));
    }
    if filter.unnamed_only {
        all = all.add(Expr::cust(UNNAMED));
    }
    if filter.mine_only {
        all = all.add(mine(who));
    }
    Ok(all
        .add_option(filter.visibility.map(|word| Column::Visibility.eq(word)))
        .add_option(filter.routing.map(|word| Column::Routing.eq(word)))
        .add_option(filter.verified.map(|yes| Column::Verified.eq(yes)))
        .add_option(filter.community_id.map(|id| Column::CommunityId.eq(id))))
}

fn mine(who: &Principal) -> SimpleExpr {
    match who {
        Principal::Local => Column::UserId.is_null(),
        Principal::Anonymous => Expr::cust("FALSE"),
        Principal::User { id, .. } => Expr::cust_with_values(
            "(capability.user_id = $1 OR EXISTS (SELECT FROM execution_trace t \
             WHERE t.user_id = $1 AND t.capability_id = capability.pattern_id))",
            [Value::from(*id)],
        ),
    }
}

fn checked<'a>(field: &'static str, text: Option<&'a String>) -> Result<Option<&'a str>, Error> {
    match text.map(String::as_str) {
        Some(text) if text.contains('\0') => {
            Err(refused(field, "must not contain a null character"))
        }
        text => Ok(text),
    }
}

fn refused(field: &'static str, rule: &'static str) -> Error {
    CapabilityError::InvalidFilter { field, rule }.into()
}
