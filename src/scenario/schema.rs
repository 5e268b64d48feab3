//! The JSON Schema of scenario files, `docs/scenario.schema.json`.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::raw::RawScenario;
use crate::config::{properties, schema::schema_of};

/// The tables of a directory that stands in the scenario itself, and what they are.
pub(super) const DIRECTORY_KEYS: [(&str, &str); 4] = [
    ("user", "A user of the directory, by Entra's attribute names."),
    ("group", "A group of the directory, with its `members`."),
    ("member", "A member of a group: `group` and `member`."),
    ("assignment", "An assignment to the app: `principal`, and `appRole` by value."),
];

/// The schema: for editors, and what the reader itself holds the file against. Made once, as the configuration's.
pub fn json_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(with_directory);
    &SCHEMA
}

fn with_directory() -> Value {
    let mut schema = schema_of::<RawScenario>();
    let rows = DIRECTORY_KEYS.iter().map(|(name, description)| {
        let rows = json!({ "type": "array", "items": { "type": "object", "additionalProperties": true }, "description": description });
        ((*name).to_owned(), rows)
    });
    if let Some(known) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        // Steps come last, as they do in a file.
        let step = known.shift_remove("step");
        known.extend(properties());
        known.extend(rows.collect::<Map<_, _>>());
        known.extend(step.map(|step| ("step".to_owned(), step)));
    }
    schema
}
