//! TOML as a person would write it: a request a line, tables in lines, keys bare where they may be.

use serde_json::{Map, Value};

/// A value in one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => table(members),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        // TOML has none; whoever writes leaves it out before.
        Value::Null => quoted(""),
    }
}

/// A table in one line.
pub(super) fn table(members: &Map<String, Value>) -> String {
    if members.is_empty() {
        return "{}".to_owned();
    }
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
    format!("{{ {} }}", members.join(", "))
}

/// The lines of a table: a key and its value each.
pub(super) fn lines(members: &Map<String, Value>) -> String {
    let mut lines = String::new();
    for (name, value) in members {
        lines.extend([&key(name), " = ", &inline(value), "\n"]);
    }
    lines
}

/// A list of tables, one a line.
pub(super) fn list(tables: &[Map<String, Value>]) -> String {
    if tables.is_empty() {
        return "[]".to_owned();
    }
    let lines: Vec<String> = tables.iter().map(|members| format!("  {},\n", table(members))).collect();
    format!("[\n{}]", lines.concat())
}

/// Lines of a comment.
pub(super) fn comment(text: &str) -> String {
    // A line break in what is told would end the comment.
    format!("# {}\n", text.replace(|c: char| c.is_control(), " "))
}

fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => quoted.extend(["\\u", &format!("{:04X}", u32::from(c))]),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let value = serde_json::json!({
            "plain": "Ada",
            "odd key.with \"all\"": "quote \" backslash \\ tab \t line\nbell \u{7} é {brace}",
            "list": [1, true, -2.5, { "value": "x" }, []],
            "empty": {},
        });
        let Value::Object(members) = &value else { unreachable!() };
        for text in [lines(members), format!("all = {}\n", list(std::slice::from_ref(members)))] {
            let read: toml::Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            let read = serde_json::to_value(read).unwrap();
            assert_eq!(read.pointer("/all/0").unwrap_or(&read), &value, "{text}");
        }
        assert_eq!(comment("a\nb = 1"), "# a b = 1\n");
    }
}
