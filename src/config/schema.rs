//! The JSON Schema of the configuration file, `docs/scimulator.schema.json`.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::raw::RawConfig;

/// The schema: for editors, and what the reader itself holds the file against. It takes longer to make than any file to
/// read, and is made once.
pub fn json_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(schema_of::<RawConfig>);
    &SCHEMA
}

/// The schema of a file's raw types, in the form that the structure check reads.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(without_null))
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// TOML has no null: an optional key is absent.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let alternative = object.get_mut("anyOf").and_then(Value::as_array_mut).and_then(|alternatives| {
        alternatives.retain(|of| of.get("type").and_then(Value::as_str) != Some("null"));
        // What is left of several is a choice; of one, the thing itself.
        if alternatives.len() == 1 { alternatives.pop() } else { None }
    });
    if let Some(Value::Object(alternative)) = alternative {
        object.remove("anyOf");
        for (key, value) in alternative {
            object.entry(key).or_insert(value);
        }
    }
    if let Some(words) = object.get_mut("enum").and_then(Value::as_array_mut) {
        words.retain(|word| !word.is_null());
    }
    if let Some(kind) = object.get_mut("type")
        && let Some(kinds) = kind.as_array_mut()
    {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            *kind = only.clone();
        }
    }
    // `uint32` and the like are no formats of JSON Schema; the bounds say it.
    object.remove("format");
}
