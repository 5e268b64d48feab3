//! A configuration file's text with its secrets blotted out, for showing excerpts of it beside an error.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::schema;

/// The same text, each character of a secret replaced by `*`; lines and columns stay as they are.
///
/// Secret is all text under `token`, `client_secret`, `refresh_token` and `password`, and under any key that is not known, since that may be a misspelt `token`; so is
/// a URL that may hold a password. A text that is not valid TOML is masked line by line and more broadly.
pub fn mask_secrets(text: &str) -> String {
    mask_secrets_of(text, schema::json_schema())
}

/// The same for a file of another kind, which `schema` describes.
pub fn mask_secrets_of(text: &str, schema: &Value) -> String {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return text.split_inclusive('\n').map(mask_line).collect();
    }
    let mut spans = Vec::new();
    secrets_of_table(root.get_ref(), Some(schema), &mut spans);
    let hidden = |at: usize| spans.iter().any(|span| span.contains(&at));
    text.char_indices().map(|(at, c)| if hidden(at) && !c.is_whitespace() { '*' } else { c }).collect()
}

fn secrets_of_table(table: &DeTable<'_>, schema: Option<&Value>, spans: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let schema = schema.map(|schema| of_type(schema, "object"));
        let known = schema.and_then(|schema| {
            let others = schema.get("additionalProperties").filter(|others| **others != Value::Bool(false));
            schema.get("properties").and_then(|known| known.get(name)).or(others)
        });
        match name {
            "tenant_url" | "token_endpoint"
                if value.get_ref().as_str().is_some_and(|url| !url.contains('@')) => {}
            "token" | "client_secret" | "refresh_token" | "password" | "token_endpoint" | "tenant_url" => {
                secrets_of_value(value, None, spans);
            }
            _ => secrets_of_value(value, known, spans),
        }
    }
}

fn secrets_of_value(value: &Spanned<DeValue<'_>>, schema: Option<&Value>, spans: &mut Vec<Range<usize>>) {
    match (value.get_ref(), schema) {
        (DeValue::Table(_), Some(schema)) if is_free(schema) => {}
        (DeValue::Table(table), _) => secrets_of_table(table, schema, spans),
        (DeValue::Array(items), _) => {
            // What may be anything may be a list of anything.
            let of = schema.and_then(|schema| match of_type(schema, "array").get("type") {
                None => Some(schema),
                Some(_) => of_type(schema, "array").get("items"),
            });
            items.iter().for_each(|item| secrets_of_value(item, of, spans));
        }
        (_, None) => spans.push(value.span()),
        // A secret pasted where the table belongs that says where it is.
        (DeValue::String(_), Some(schema)) if schema.get("type") == Some(&Value::from("object")) => {
            spans.push(value.span());
        }
        (_, Some(_)) => {}
    }
}

/// Whether it describes anything at all.
fn is_free(schema: &Value) -> bool {
    schema.get("type").is_none() && schema.get("anyOf").is_none()
}

/// The choice of that type, where there are several.
fn of_type<'s>(schema: &'s Value, name: &str) -> &'s Value {
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let choice = choices.and_then(|all| all.iter().find(|one| one.get("type").is_some_and(|it| it == name)));
    choice.unwrap_or(schema)
}

/// Everything behind the first `=` of a line that may set a secret, and every line of a text over several lines.
fn mask_line(line: &str) -> String {
    const MARKS: [&str; 9] = ["tok", "value", "secret", "pass", "key", "env", "://", "\"\"\"", "'''"];
    let lower = line.to_lowercase();
    let assignment = line.find('=');
    if assignment.is_some() && !MARKS.iter().any(|mark| lower.contains(mark)) {
        return line.to_owned();
    }
    let is_header = line.trim_start().starts_with(['[', '#']);
    let from = match assignment {
        Some(at) => at.saturating_add(1),
        None if is_header => line.len(),
        None => 0,
    };
    line.char_indices().map(|(at, c)| if from <= at && !c.is_whitespace() { '*' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_blotted_out_and_nothing_moves() {
        let cases = [
            ("[[job]]\ntoken = { value = 's3cr3t' }\n", "[[job]]\ntoken = { value = ******** }\n"),
            (
                "[[job]]\n[job.oauth]\nclient_id = 'app'\nclient_secret = { value = 's3cr3t' }\n",
                "[[job]]\n[job.oauth]\nclient_id = 'app'\nclient_secret = { value = ******** }\n",
            ),
            ("[[job]]\ntoken = \"s3cr3t\"\n", "[[job]]\ntoken = ********\n"),
            ("[[job]]\ntokne = { vlaue = \"s3cr3t\" }\n", "[[job]]\ntokne = { vlaue = ******** }\n"),
            ("[job.token]\nvalue = '''\ns3cr3t\n'''\n", "[job.token]\nvalue = ***\n******\n***\n"),
            (
                "[[jbo]]\nname = 'a'\n[jbo.token]\nvalue = 'é'\n",
                "[[jbo]]\nname = ***\n[jbo.token]\nvalue = ***\n",
            ),
            ("[[job]]\ntenant_url = 'http://u:p@h/'\n", "[[job]]\ntenant_url = ***************\n"),
            (
                "[[job]]\nname = 'a'\ntenant_url = 'http://h/'\n",
                "[[job]]\nname = 'a'\ntenant_url = 'http://h/'\n",
            ),
            ("[[app_role]]\nvalue = 'Admin'\n", "[[app_role]]\nvalue = 'Admin'\n"),
            // Not TOML any more:
            (
                "[[job]]\nname = 'a\ntoken = { value = s3cr3t }\n",
                "[[job]]\nname = 'a\ntoken = * ***** * ****** *\n",
            ),
            ("x = 'a\ntoken = '''\ns3cr3t\n", "x = 'a\ntoken = ***\n******\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(mask_secrets(text), expected);
        }
    }
}
