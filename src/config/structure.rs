//! Holds a parsed file against the schema of the raw types, and takes out what does not fit.
//!
//! Deserialization stops at the first mistake. This walk does not: it reports each unknown key, wrong type and unknown
//! word with its place, removes it, and leaves a table that always deserializes, so that the mistakes further in are
//! reported in the same run. The schema is the one that ships for editors; the two can not disagree.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use super::source::Source;
use crate::diagnostic::{Diagnostic, did_you_mean};

/// What to write where another type is wanted, by the last key of the path and that type: files of several kinds have
/// some keys, and not all of them the same way.
const HINTS: &[(&str, &str, &str)] = &[
    ("app_role", "array", "write `[[app_role]]`, once for each role"),
    ("directory", "object", "write `[directory]` and below it `path = \"directory\"`"),
    ("directory", "string", "write `directory = \"../directory\"`, the folder as seen from the file's own"),
    (
        "clauses",
        "array",
        "write `clauses = [{ attribute = \"department\", operator = \"EQUALS\", value = \"Sales\" }]`",
    ),
    (
        "client_secret",
        "object",
        "write `client_secret = { env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ value = \"SECRET\" }`",
    ),
    ("filter", "array", "write `[[job.filter]]`, once for each filter"),
    ("fidelity", "object", "write `[job.fidelity]` and below it `edition = \"2026-08\"`"),
    ("job", "array", "write `[[job]]`, once for each job"),
    ("job", "object", "write `[job]`, and below it for example `interval = \"1d\"`: there is one job"),
    (
        "oauth",
        "object",
        "write `[job.oauth]` and below it `token_endpoint = \"https://…\"`, `client_id` and `client_secret`",
    ),
    (
        "secrets",
        "object",
        "write `[job.secrets]` and below it for example `SkipOutOfScopeDeletions = \"True\"`",
    ),
    (
        "token",
        "object",
        "write `token = { env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ value = \"SECRET\" }`",
    ),
    ("vanish_limit", "object", "write `vanish_limit = { share = \"20%\", at_least = 20 }`"),
];

/// Keys that stand one table further in: the key, the table that it is in, and what to write.
const ELSEWHERE: &[(&str, &str, &str)] = &[("oracle", "expect", "write `expect.oracle = \"clean\"`")];

/// What to write for a key of which this schema is.
fn hint(key: &str, schema: &Value) -> Option<String> {
    let wanted = schema.get("type").and_then(Value::as_str)?;
    let hint = HINTS.iter().find(|(of, kind, _)| (*of, *kind) == (key, wanted));
    hint.map(|(_, _, hint)| (*hint).to_owned())
}

/// Removes from `root` what `schema` does not allow, and reports each removal and each missing key.
pub(crate) fn check(source: &Source, schema: &Value, root: &mut Spanned<DeTable<'_>>) -> Vec<Diagnostic> {
    let mut walk = Walk { source, findings: Vec::new() };
    let span = root.span();
    walk.table(schema, root.get_mut(), &span, None);
    walk.findings
}

struct Walk<'a> {
    source: &'a Source,
    findings: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn report(&mut self, span: &Range<usize>, message: String, help: Option<String>) {
        let finding = Diagnostic::error(message).at(self.source.place(span));
        self.findings.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    /// Whether the value of `key` may stay.
    fn value(&mut self, schema: &Value, value: &mut Spanned<DeValue<'_>>, key: &str) -> bool {
        let span = value.span();
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            return self.choice(choices, value, key);
        }
        let Some(wanted) = schema.get("type").and_then(Value::as_str) else {
            return true; // anything
        };
        let found = type_name(value.get_ref());
        match (wanted, value.get_mut()) {
            ("object", DeValue::Table(table)) => {
                self.table(schema, table, &span, Some(key));
                true
            }
            ("array", DeValue::Array(items)) => {
                let of = schema.get("items").unwrap_or(&Value::Null);
                *items = std::mem::replace(items, DeArray::new())
                    .into_iter()
                    .filter_map(|mut item| self.value(of, &mut item, key).then_some(item))
                    .collect();
                true
            }
            ("string", DeValue::String(text)) => self.word(schema, text, &span, key),
            ("integer", DeValue::Integer(number)) => self.integer(schema, number, &span, key),
            ("boolean", DeValue::Boolean(_)) | ("number", DeValue::Integer(_) | DeValue::Float(_)) => true,
            _ => {
                let help = hint(key, schema);
                let wanted = wanted_name(wanted);
                self.report(&span, format!("`{key}` must be {wanted}, not {found}"), help);
                false
            }
        }
    }

    /// A value that may have one of several types; each is another one.
    fn choice(&mut self, choices: &[Value], value: &mut Spanned<DeValue<'_>>, key: &str) -> bool {
        let types = || choices.iter().filter_map(|choice| choice.get("type").and_then(Value::as_str));
        let found = type_name(value.get_ref());
        if let Some(at) = types().position(|wanted| fits(wanted, value.get_ref()))
            && let Some(choice) = choices.get(at)
        {
            return self.value(choice, value, key);
        }
        let wanted: Vec<&str> = types().map(wanted_name).collect();
        let message = format!("`{key}` must be {}, not {found}", wanted.join(" or "));
        self.report(&value.span(), message, None);
        false
    }

    fn table(&mut self, schema: &Value, table: &mut DeTable<'_>, span: &Range<usize>, name: Option<&str>) {
        let none = Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            let required = required.as_str().unwrap_or_default();
            if !table.contains_key(required) {
                let whose = name.map(|name| format!(" in `{name}`")).unwrap_or_default();
                let help = known.get(required).and_then(|schema| hint(required, schema));
                self.report(span, format!("`{required}` is missing{whose}"), help);
            }
        }
        if schema.get("maxProperties") == Some(&Value::from(1)) && table.len() != 1 {
            let keys: Vec<&str> = known.keys().map(String::as_str).collect();
            let message =
                format!("`{}` must hold exactly one of {}", name.unwrap_or_default(), in_backticks(&keys));
            self.report(span, message, None);
        }
        let mut wrong = Vec::new();
        for (key, value) in table.iter_mut() {
            let name = key.get_ref().as_ref();
            let other = schema.get("additionalProperties").filter(|other| **other != Value::Bool(false));
            let of = known.get(name).or(other);
            let stays = of.is_some_and(|schema| self.value(schema, value, name));
            if of.is_none() {
                let elsewhere =
                    ELSEWHERE.iter().find(|(key, in_it, _)| *key == name && known.contains_key(*in_it));
                let help = match elsewhere {
                    Some((_, _, hint)) => Some((*hint).to_owned()),
                    None => did_you_mean(name, known.keys().map(String::as_str))
                        .map(|key| format!("did you mean `{key}`?")),
                };
                self.report(&key.span(), format!("unknown key `{name}`"), help);
            }
            if !stays {
                wrong.push(name.to_owned());
            }
        }
        for name in wrong {
            table.remove(name.as_str());
        }
    }

    fn word(&mut self, schema: &Value, text: &str, span: &Range<usize>, key: &str) -> bool {
        let Some(words) = schema.get("enum").and_then(Value::as_array) else {
            return true;
        };
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        if words.contains(&text) {
            return true;
        }
        let help = match did_you_mean(text, words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("one of {}", in_backticks(&words)),
        };
        self.report(span, format!("`{key}` can not be `{text}`"), Some(help));
        false
    }

    fn integer(&mut self, schema: &Value, number: &DeInteger<'_>, span: &Range<usize>, key: &str) -> bool {
        let value = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(i64::MIN);
        let most = schema.get("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX);
        if value.is_some_and(|value| least <= value && value <= most) {
            return true;
        }
        self.report(span, format!("`{key}` must be from {least} to {most}"), None);
        false
    }
}

/// `a`, `b` or `c`, each in backticks.
pub(crate) fn in_backticks(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Whether a value has a type that a choice may have.
fn fits(schema_type: &str, value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => schema_type == "object",
        DeValue::Array(_) => schema_type == "array",
        DeValue::String(_) => schema_type == "string",
        DeValue::Integer(_) => matches!(schema_type, "integer" | "number"),
        DeValue::Float(_) => schema_type == "number",
        DeValue::Boolean(_) => schema_type == "boolean",
        DeValue::Datetime(_) => false,
    }
}

fn wanted_name(schema_type: &str) -> &'static str {
    match schema_type {
        "object" => "a table",
        "array" => "an array",
        "string" => "a text in quotes",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        _ => "something else",
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
