//! The rows that cannot be written: what `error_log` keeps of them.

use sea_orm::{ConnectionTrait, Value};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::sql::statement;
use crate::{Db, Error};

/// `error_log.error_type` of a row that could not be written.
const ERROR_TYPE: &str = "RecorderRowRejected";

/// Once: a second try finds what the first one wrote, if the answer alone was lost.
const INSERT: &str = "INSERT INTO error_log (error_type, message, stack, context) \
    SELECT $1, $2, $3, $4 WHERE $5 OR NOT EXISTS (SELECT FROM error_log WHERE error_type = $1 AND context ->> 'event_id' = $6)";

/// A row that could not be written, and why.
pub(super) struct DeadLetter {
    id: Uuid,
    message: String,
    place: String,
    context: Json,
    tries: u32,
}

impl DeadLetter {
    pub fn new(recorder: &str, code: &str, reason: &str, row: Json) -> Self {
        let id = Uuid::now_v7();
        Self {
            id,
            message: without_nulls(reason),
            place: format!("recorder {recorder}"),
            context: json!({ "event_id": id, "recorder": recorder, "code": code, "row": storable(row) }),
            tries: 0,
        }
    }

    /// Stores it. May be called again after a failure.
    pub async fn write(&mut self, db: &Db) -> Result<(), Error> {
        self.tries += 1;
        let first = self.tries == 1;
        let values: [Value; 6] = [
            ERROR_TYPE.into(),
            self.message.as_str().into(),
            self.place.as_str().into(),
            self.context.clone().into(),
            first.into(),
            self.id.to_string().into(),
        ];
        db.execute_raw(statement(INSERT, values)).await?;
        Ok(())
    }

    /// The last resort, for a database whose `error_log` cannot be written either.
    pub fn log(&self, error: &Error) {
        tracing::error!(place = self.place, reason = self.message, context = %self.context, %error, "a row is lost: error_log does not take it");
    }
}

/// PostgreSQL stores no null character, in no text and in no document.
fn storable(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(without_nulls(&text)),
        Json::Array(items) => items.into_iter().map(storable).collect(),
        Json::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (without_nulls(&key), storable(value)))
            .collect(),
        other => other,
    }
}

fn without_nulls(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_can_be_stored() {
        let kept = storable(json!({ "a\0": ["b\0", { "c": "\0" }, 1] }));
        assert!(!kept.to_string().contains("\\u0000"));
        assert_eq!(kept["a\u{fffd}"][2], 1);
    }
}
