//! JSON Schema documents, as tools and capabilities declare their parameters.

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A JSON Schema that is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a JSON schema must be an object, not {found}")]
pub struct InvalidSchema {
    /// What was given: `null`, `a boolean`, `a number`, `a string` or `an array`.
    pub found: &'static str,
}

/// A JSON Schema whose root is an object, as MCP demands of tool schemas.
///
/// The keywords inside are not judged: servers use dialects of every draft, and a schema we do not understand still
/// documents a tool. A stored document that is no object can be read; it cannot be built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DeriveValueType)]
#[sea_orm(column_type = "JsonBinary")]
#[serde(try_from = "Value", into = "Value")]
pub struct JsonSchema(Value);

impl JsonSchema {
    /// Checks that the document is an object.
    ///
    /// # Errors
    /// [`InvalidSchema`] says what it is instead.
    pub fn new(document: Value) -> Result<Self, InvalidSchema> {
        match document {
            Value::Object(_) => Ok(Self(document)),
            other => Err(InvalidSchema {
                found: kind_of(&other),
            }),
        }
    }

    /// The schema `{}`, which allows everything; stands for a tool whose definition nobody has seen.
    pub fn anything() -> Self {
        Self(Value::Object(Map::new()))
    }

    /// The schema of an object without properties.
    pub fn empty_object() -> Self {
        Self(json!({"type": "object", "properties": {}}))
    }

    /// The document.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The document, owned.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// The names under `properties`, in document order.
    pub fn property_names(&self) -> impl Iterator<Item = &str> {
        self.0
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl TryFrom<Value> for JsonSchema {
    type Error = InvalidSchema;

    fn try_from(document: Value) -> Result<Self, Self::Error> {
        Self::new(document)
    }
}

impl From<Map<String, Value>> for JsonSchema {
    fn from(object: Map<String, Value>) -> Self {
        Self(Value::Object(object))
    }
}

impl From<JsonSchema> for Value {
    fn from(schema: JsonSchema) -> Self {
        schema.0
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{ColumnType, ValueType};

    use super::*;

    #[test]
    fn a_stored_document_of_another_kind_is_readable() {
        let read = <JsonSchema as ValueType>::try_from(sea_orm::Value::from(json!([1]))).unwrap();
        assert_eq!(read.as_value(), &json!([1]));
        assert!(serde_json::from_value::<JsonSchema>(json!([1])).is_err());
        assert_eq!(
            <JsonSchema as ValueType>::column_type(),
            ColumnType::JsonBinary
        );
    }

    #[test]
    fn only_objects_are_accepted() {
        for (document, found) in [
            (json!(null), "null"),
            (json!(true), "a boolean"),
            (json!(1), "a number"),
            (json!("x"), "a string"),
            (json!([]), "an array"),
        ] {
            assert_eq!(JsonSchema::new(document), Err(InvalidSchema { found }));
        }
        assert!(JsonSchema::new(json!({"type": "object"})).is_ok());
    }

    #[test]
    fn property_names_survive_odd_documents() {
        let schema = JsonSchema::new(json!({"properties": {"path": {}, "mode": {}}})).unwrap();
        let mut names: Vec<_> = schema.property_names().collect();
        names.sort_unstable();
        assert_eq!(names, ["mode", "path"]);
        assert_eq!(
            JsonSchema::new(json!({"properties": []}))
                .unwrap()
                .property_names()
                .count(),
            0
        );
        assert_eq!(JsonSchema::anything().property_names().count(), 0);
    }
}
