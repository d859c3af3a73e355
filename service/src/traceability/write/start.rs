//! Starting an execution.

use chrono::{DateTime, Utc};
use pml_entity::traceability::execution_traces;
use pml_entity::values::{CorrelationId, ExecutionTraceId, SessionId};
use sea_orm::prelude::Json;
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;

use super::super::rules::now;
use super::super::{Sanitizer, TraceabilityError};
use super::check;
use super::record::{Kind, Prepared, field, json};
use crate::Error;
use crate::sql::statement;

/// Key of `context` that marks an execution which nobody started: a service was called with its id, and its start may come later.
pub(crate) const INFERRED_BY: &str = "pml:inferred_by";

/// Whether an execution `t` is such a guess.
pub(super) const INFERRED: &str =
    "(jsonb_typeof(t.context) = 'object' AND jsonb_exists(t.context, 'pml:inferred_by'))";
/// Its context without the mark.
pub(super) const UNMARKED: &str = "(CASE WHEN jsonb_typeof(t.context) = 'object' THEN t.context - 'pml:inferred_by' ELSE t.context END)";

/// An execution to start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewTrace {
    /// What the world will know it by. Default: a new one.
    pub correlation_id: Option<CorrelationId>,
    /// The first execution of its chain. Default: the parent's root, or itself without a parent.
    pub root_id: Option<CorrelationId>,
    /// The execution that delegates to it. Its own id stands for none.
    pub parent_id: Option<CorrelationId>,
    /// The session of the client. Default: the parent's, or a new one.
    pub session_id: Option<SessionId>,
    /// Whose it is. Default: the parent's owner, so that a child is not readable by more people than its parent.
    pub user_id: Option<String>,
    /// What sets it off: `user_prompt`, `agent_delegation`, `hook_trigger` or another word. At most 256 bytes.
    pub source: String,
    /// The prompt, at most 256 KiB.
    pub prompt_text: Option<String>,
    /// When it began. Default: now.
    pub started_at: Option<DateTime<Utc>>,
    /// Anything else, at most 1 MiB; secrets are replaced.
    pub context: Option<Json>,
    /// Labels, at most 100 of at most 256 bytes.
    pub tags: Option<Vec<String>>,
}

/// An execution that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Started {
    /// Its row.
    pub trace: execution_traces::Model,
    /// Whether this call started it. `false`: it ran already, started in the same way.
    pub created: bool,
}

/// A start as it is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct StartRow {
    id: ExecutionTraceId,
    pub(crate) correlation_id: CorrelationId,
    pub(crate) root_id: Option<CorrelationId>,
    pub(crate) parent_id: Option<CorrelationId>,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) user_id: Option<String>,
    source: String,
    prompt_text: Option<String>,
    pub(crate) started_at: DateTime<Utc>,
    context: Option<Json>,
    tags: Option<Vec<String>>,
}

pub(super) const START: Kind = Kind {
    table: "execution_traces",
    entity: "execution",
    part: false,
    fields: &[
        field("id", "uuid"),
        field("correlation_id", "uuid"),
        field("root_id", "uuid"),
        field("parent_id", "uuid"),
        field("session_id", "uuid"),
        field("user_id", "text"),
        field("source", "text"),
        field("prompt_text", "text"),
        field("started_at", "timestamptz"),
        field("context", "jsonb"),
        field("tags", "text[]"),
    ],
};

/// An id of the archive is not used again: the second execution could never be archived, and would hold up all others.
const NOT_ARCHIVED: &str = "NOT EXISTS (SELECT FROM execution_traces_archive a WHERE a.correlation_id = new.correlation_id)";

/// What is taken from the parent `p`.
const INHERITED: [(&str, &str); 3] = [
    (
        "root_id",
        "coalesce(new.root_id, p.root_id, new.correlation_id)",
    ),
    (
        "session_id",
        "coalesce(new.session_id, p.session_id, gen_random_uuid())",
    ),
    ("user_id", "coalesce(new.user_id, p.user_id)"),
];

impl NewTrace {
    /// Checks it and takes its secrets out.
    pub(crate) fn prepare(
        mut self,
        sanitizer: Sanitizer,
    ) -> Result<Prepared<StartRow>, TraceabilityError> {
        check::name("source", &self.source)?;
        check::optional_name("user_id", self.user_id.as_deref())?;
        check::text("prompt_text", self.prompt_text.as_deref())?;
        check::labels("tags", self.tags.as_deref())?;
        check::document("context", &mut self.context, sanitizer)?;
        if let Some(Json::Object(context)) = &mut self.context {
            context.remove(INFERRED_BY);
        }
        let started_at = check::moment("started_at", self.started_at)?;
        let correlation_id = self.correlation_id.unwrap_or_else(CorrelationId::generate);
        let parent_id = self.parent_id.filter(|parent| *parent != correlation_id);
        let assumed = [
            ("id", true),
            ("root_id", self.root_id.is_none()),
            ("session_id", self.session_id.is_none()),
            ("user_id", self.user_id.is_none()),
            ("started_at", started_at.is_none()),
        ];
        let (mut root_id, mut session_id) = (self.root_id, self.session_id);
        if parent_id.is_none() {
            root_id.get_or_insert(correlation_id);
            session_id.get_or_insert_with(SessionId::generate);
        }
        let row = StartRow {
            id: ExecutionTraceId::generate(),
            correlation_id,
            root_id,
            parent_id,
            session_id,
            user_id: self.user_id,
            source: self.source,
            prompt_text: self.prompt_text,
            started_at: started_at.unwrap_or_else(now),
            context: self.context,
            tags: self.tags,
        };
        Ok(Prepared::new(row, &assumed))
    }
}

impl StartRow {
    /// Marks it as a guess of a service that was called: the real start replaces it.
    pub(crate) fn inferred_by(mut self, service: &str) -> Self {
        self.context = Some(serde_json::json!({ INFERRED_BY: service }));
        self
    }
}

/// The statement that starts `$1` and answers with `returning`. A guess gives way to the real start; what is started already stays.
pub(crate) fn start_sql(returning: &str) -> String {
    format!(
        "{} FROM {} LEFT JOIN execution_traces p ON p.correlation_id = new.parent_id \
         WHERE (new.parent_id IS NULL OR new.root_id IS NOT NULL OR p.id IS NOT NULL) AND {NOT_ARCHIVED} \
         ORDER BY new.correlation_id \
         ON CONFLICT (correlation_id) DO UPDATE SET root_id = excluded.root_id, parent_id = excluded.parent_id, \
             session_id = excluded.session_id, user_id = excluded.user_id, source = excluded.source, prompt_text = excluded.prompt_text, \
             started_at = excluded.started_at, context = excluded.context, tags = excluded.tags, status = 'in_progress', success = NULL, \
             completed_at = NULL, duration_ms = NULL, error_message = NULL, error_type = NULL \
         WHERE {INFERRED} RETURNING {returning}",
        START.insert(&INHERITED),
        START.records(),
    )
}

/// The statement that writes guesses down. Whatever is there stays.
pub(crate) fn guess_sql() -> String {
    format!(
        "{} FROM {} LEFT JOIN execution_traces p ON p.correlation_id = new.parent_id \
         WHERE NOT EXISTS (SELECT FROM execution_traces e WHERE e.correlation_id = new.correlation_id) AND {NOT_ARCHIVED} \
         ORDER BY new.correlation_id ON CONFLICT (correlation_id) DO NOTHING",
        START.insert(&INHERITED),
        START.records(),
    )
}

/// Starts an execution. One statement; a second one if the id is taken or the parent unknown.
///
/// A child takes root, session and owner from its parent where it does not say. The same start again, by its correlation id, answers the
/// running execution.
///
/// # Errors
/// [`TraceabilityError::UnknownParent`] for a parent that nobody started and no `root_id` beside it; [`TraceabilityError::CorrelationTaken`]
/// if the id was started with other content, or is archived; [`TraceabilityError::InvalidField`] and [`TraceabilityError::BodyTooLarge`].
pub async fn start<C: ConnectionTrait>(db: &C, new: NewTrace) -> Result<Started, Error> {
    let Prepared { row, assumed } = new.prepare(Sanitizer::hardened())?;
    let correlation = row.correlation_id;
    let parent = row.parent_id.filter(|_| row.root_id.is_none());
    let rows = json(&[row])?;
    let written = db
        .query_one_raw(statement(start_sql("t.*"), [rows.clone().into()]))
        .await?;
    if let Some(row) = written {
        return Ok(Started {
            trace: execution_traces::Model::from_query_result(&row, "")?,
            created: true,
        });
    }
    let sql = format!(
        "SELECT t.*, ({}) AS same FROM {} JOIN execution_traces t ON t.correlation_id = new.correlation_id",
        START.same(&[]),
        START.records(),
    );
    let stored = db
        .query_one_raw(statement(sql, [rows.into(), assumed.into()]))
        .await?;
    match (stored, parent) {
        (Some(row), _) if row.try_get("", "same")? => Ok(Started {
            trace: execution_traces::Model::from_query_result(&row, "")?,
            created: false,
        }),
        (None, Some(parent)) => Err(TraceabilityError::UnknownParent(parent).into()),
        _ => Err(TraceabilityError::CorrelationTaken(correlation).into()),
    }
}
