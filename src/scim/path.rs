//! Target paths as attribute mappings write them (`mapping.md 2.1`).
//!
//! ```
//! use scimulator::scim::path::TargetPath;
//!
//! let path = TargetPath::parse(r#"emails[type eq "work"].value"#)?;
//! let user = serde_json::json!({"emails": [{"type": "work", "value": "ada@contoso.com"}]});
//! assert_eq!(path.read(&user), Some(&serde_json::json!("ada@contoso.com")));
//! # Ok::<(), scimulator::scim::path::PathError>(())
//! ```

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use super::style::Dialect;
use super::{member, urn};

/// Where a mapped value goes in the target's resource. The text it was parsed from is kept and goes out verbatim as
/// the `path` of an update (`mapping.md 2.1`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetPath {
    text: String,
    schema: Option<String>,
    attribute: String,
    filter: Option<PathFilter>,
    sub: Option<String>,
}

/// `[type eq "work"]`: which element of a multi-valued attribute is meant. No operator but `eq` exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathFilter {
    attribute: String,
    literal: String,
}

impl PathFilter {
    /// The sub-attribute that is compared, such as `type`.
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// The text it must have, without its quotes.
    pub fn literal(&self) -> &str {
        &self.literal
    }

    /// Whether the filter is on `primary`, whose literal stands for a boolean (`mapping.md 2.2` step 3).
    pub fn is_on_primary(&self) -> bool {
        self.attribute.eq_ignore_ascii_case("primary")
    }

    /// Whether an element of the attribute as a server returned it is the one meant. Text is compared without regard
    /// to case (`type` is not caseExact in RFC 7643), `"True"` equals the boolean `true`.
    pub fn selects(&self, element: &Value) -> bool {
        match member(element, &self.attribute) {
            Some(Value::String(text)) => text.eq_ignore_ascii_case(&self.literal),
            Some(Value::Bool(truth)) => {
                self.literal.eq_ignore_ascii_case(if *truth { "true" } else { "false" })
            }
            Some(Value::Number(number)) => number.to_string() == self.literal,
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
        }
    }
}

/// Why a text is no target path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at character {column}")]
pub struct PathError {
    /// What was found or missed.
    pub problem: &'static str,
    /// Where: characters, counted from 1.
    pub column: usize,
}

impl TargetPath {
    /// Parses one of the forms of `mapping.md 2.1`.
    ///
    /// A text that starts with `urn:` is split at its last colon outside brackets, so the dot of `2.0` belongs to
    /// the schema.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let (schema, local) = split_schema(text);
        let mut scanner = Scanner { text, at: text.len() - local.len() };
        if schema.is_none() && is_urn(text) {
            return Err(scanner.error("a URN needs `:` and an attribute after it"));
        }
        let attribute = scanner.name("expected an attribute name")?.to_owned();
        let filter = scanner.eat("[").then(|| scanner.filter()).transpose()?;
        let sub = if scanner.eat(".") {
            Some(scanner.name("expected the name of a sub-attribute")?.to_owned())
        } else {
            None
        };
        if !scanner.rest().is_empty() {
            return Err(scanner.error("unexpected text"));
        }
        Ok(Self { text: text.to_owned(), schema: schema.map(str::to_owned), attribute, filter, sub })
    }

    /// The text of the mapping, unchanged.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text as requests of a dialect carry it: verbatim, but `legacy2018` joins an extension's URN and the
    /// attribute by a dot instead of a colon (`wire.md 3.3`).
    pub fn wire_text(&self, dialect: Dialect) -> Cow<'_, str> {
        match (dialect, self.extension()) {
            (Dialect::Legacy2018, Some(schema)) => {
                let local = self.text.get(schema.len() + 1..).unwrap_or_default();
                Cow::Owned(format!("{schema}.{local}"))
            }
            (Dialect::Default | Dialect::Optscim | Dialect::Legacy2018, _) => Cow::Borrowed(&self.text),
        }
    }

    /// The extension the attribute belongs to; `None` for a core attribute, also when written with a core URN
    /// (`wire.md 3.1`, mapped core URN targets).
    pub fn extension(&self) -> Option<&str> {
        self.schema
            .as_deref()
            .filter(|schema| ![urn::USER, urn::GROUP].iter().any(|core| core.eq_ignore_ascii_case(schema)))
    }

    /// The attribute's own name, without schema, filter and sub-attribute.
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// The filter, when there is one.
    pub fn filter(&self) -> Option<&PathFilter> {
        self.filter.as_ref()
    }

    /// The sub-attribute, when there is one.
    pub fn sub(&self) -> Option<&str> {
        self.sub.as_deref()
    }

    /// Whether this is the core attribute of that name, without filter or sub-attribute.
    pub fn is_core(&self, attribute: &str) -> bool {
        self.extension().is_none()
            && self.filter.is_none()
            && self.sub.is_none()
            && self.attribute.eq_ignore_ascii_case(attribute)
    }

    /// Whether two paths mean the same place, however they are spelt.
    pub fn same_place(&self, other: &Self) -> bool {
        let same = |a: Option<&str>, b: Option<&str>| match (a, b) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same(self.extension(), other.extension())
            && self.attribute.eq_ignore_ascii_case(&other.attribute)
            && same(self.sub(), other.sub())
            && same(self.filter().map(PathFilter::attribute), other.filter().map(PathFilter::attribute))
            && same(self.filter().map(PathFilter::literal), other.filter().map(PathFilter::literal))
    }

    /// What a resource, as a server returned it, holds here; `None` when nothing or JSON null does.
    ///
    /// Names are compared without regard to case. Of several elements that pass the filter, the first that holds the
    /// sub-attribute counts; two of one `type` are not supported by the service either (`wire.md 4.5`).
    pub fn read<'a>(&self, resource: &'a Value) -> Option<&'a Value> {
        let container = match self.extension() {
            Some(schema) => member(resource, schema)?,
            None => resource,
        };
        let attribute = member(container, &self.attribute)?;
        let found = match &self.filter {
            None => self.read_sub(attribute),
            Some(filter) => attribute
                .as_array()?
                .iter()
                .filter(|element| filter.selects(element))
                .find_map(|element| self.read_sub(element)),
        };
        found.filter(|value| !value.is_null())
    }

    fn read_sub<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match &self.sub {
            Some(sub) => member(value, sub),
            None => Some(value),
        }
    }

    /// The id that a reference attribute such as manager holds: the `value` of its object (`wire.md 4.7`), or the
    /// bare text where the path itself ends at `value`. `None` when there is none or it is empty.
    pub fn read_reference<'a>(&self, resource: &'a Value) -> Option<&'a str> {
        let value = self.read(resource)?;
        let id = match value {
            Value::Object(_) => member(value, "value")?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => value,
        };
        id.as_str().filter(|id| !id.is_empty())
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_urn(text: &str) -> bool {
    text.get(.."urn:".len()).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

/// The schema and the rest, split at the last colon before the first bracket: a schema holds no bracket, and after
/// the attribute's filter comes at most a sub-attribute.
fn split_schema(text: &str) -> (Option<&str>, &str) {
    if !is_urn(text) {
        return (None, text);
    }
    let outside = text.split_once('[').map_or(text, |(before, _)| before);
    match outside.rsplit_once(':') {
        Some((schema, _)) if schema.contains(':') => {
            (Some(schema), text.get(schema.len() + 1..).unwrap_or_default())
        }
        Some(_) | None => (None, text),
    }
}

struct Scanner<'t> {
    text: &'t str,
    /// Bytes consumed; always at a character boundary.
    at: usize,
}

impl<'t> Scanner<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, problem: &'static str) -> PathError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        PathError { problem, column: before.chars().count() + 1 }
    }

    fn eat(&mut self, token: &str) -> bool {
        let eaten = self.rest().starts_with(token);
        if eaten {
            self.at += token.len();
        }
        eaten
    }

    /// `name = ( letter | "$" ) , { letter | digit | "_" | "-" | "$" }`
    fn name(&mut self, problem: &'static str) -> Result<&'t str, PathError> {
        let rest = self.rest();
        if !rest.starts_with(|first: char| first.is_alphabetic() || first == '$') {
            return Err(self.error(problem));
        }
        let length = rest
            .find(|other: char| !other.is_alphanumeric() && !matches!(other, '_' | '-' | '$'))
            .unwrap_or(rest.len());
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default())
    }

    /// What follows an opening bracket.
    fn filter(&mut self) -> Result<PathFilter, PathError> {
        let attribute = self.name("expected the attribute of the filter")?.to_owned();
        if !self.eat(" eq ") {
            return Err(self.error("expected ` eq `, the only operator"));
        }
        if !self.eat("\"") {
            return Err(self.error("expected a value in double quotes"));
        }
        let rest = self.rest();
        let Some(length) = rest.find('"') else {
            return Err(self.error("the value of the filter has no closing quote"));
        };
        let literal = rest.get(..length).unwrap_or_default().to_owned();
        self.at += length + 1;
        if !self.eat("]") {
            return Err(self.error("expected `]`"));
        }
        Ok(PathFilter { attribute, literal })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_the_sheet_is_taken_apart() {
        const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        crate::covers!("M-030");
        let enterprise = format!("{ENTERPRISE}:department");
        let in_extension = format!("{ENTERPRISE}:x[type eq \"a:b.c\"].y");
        for (text, extension, attribute, filter, sub) in [
            ("displayName", None, "displayName", None, None),
            ("name.givenName", None, "name", None, Some("givenName")),
            (r#"emails[type eq "work"].value"#, None, "emails", Some(("type", "work")), Some("value")),
            (r#"roles[primary eq "True"].value"#, None, "roles", Some(("primary", "True")), Some("value")),
            (&enterprise, Some(ENTERPRISE), "department", None, None),
            (
                "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User:CustomAttribute",
                Some("urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User"),
                "CustomAttribute",
                None,
                None,
            ),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
                None,
                "name",
                None,
                Some("givenName"),
            ),
            (&in_extension, Some(ENTERPRISE), "x", Some(("type", "a:b.c")), Some("y")),
            ("members", None, "members", None, None),
        ] {
            let path = TargetPath::parse(text).unwrap();
            assert_eq!(path.as_str(), text);
            assert_eq!(path.extension(), extension, "{text}");
            assert_eq!(path.attribute(), attribute, "{text}");
            assert_eq!(path.filter().map(|filter| (filter.attribute(), filter.literal())), filter, "{text}");
            assert_eq!(path.sub(), sub, "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_at_its_place() {
        crate::covers!("M-039");
        for (text, column) in [
            ("", 1),
            ("1abc", 1),
            ("name.", 6),
            ("name givenName", 5),
            (r#"emails[type co "work"].value"#, 12),
            ("emails[type eq work].value", 16),
            (r#"emails[type eq "work.value"#, 17),
            (r#"emails[type eq "work".value"#, 22),
            (r#"emails[type eq "work"]value"#, 23),
            ("urn:", 1),
            ("urn:a:b:", 9),
            ("urn:a", 1),
        ] {
            let error = TargetPath::parse(text).unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
        }
    }

    #[test]
    fn values_are_found_as_servers_return_them() {
        let user = json!({
            "UserName": "u",
            "displayName": null,
            "title": "",
            "name": {"familyname": "L"},
            "emails": [
                {"type": "home", "value": "h"},
                {"type": "Work", "primary": true},
                {"type": "work", "value": "w"},
            ],
            "roles": [{"primary": true, "value": "Admin"}],
            "entries": [{"primary": "true", "value": "text"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user": {
                "department": "R&D", "manager": {"value": "m1"}
            },
        });
        for (text, want) in [
            ("userName", Some(json!("u"))),
            ("displayName", None),
            ("nickName", None),
            ("title", Some(json!(""))),
            ("name.familyName", Some(json!("L"))),
            ("name.givenName", None),
            (r#"emails[type eq "work"].value"#, Some(json!("w"))),
            (r#"emails[type eq "other"].value"#, None),
            (r#"roles[primary eq "True"].value"#, Some(json!("Admin"))),
            (r#"roles[primary eq "False"].value"#, None),
            (r#"entries[primary eq "True"].value"#, Some(json!("text"))),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", Some(json!("R&D"))),
            ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", Some(json!("L"))),
        ] {
            assert_eq!(TargetPath::parse(text).unwrap().read(&user), want.as_ref(), "{text}");
        }
    }

    #[test]
    fn a_reference_is_read_from_its_value() {
        const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
        let user = |manager: Value| json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": manager}});
        for (path, manager, want) in [
            (MANAGER.to_owned(), json!({"value": "m1", "displayName": "M"}), Some("m1")),
            (format!("{MANAGER}.value"), json!({"value": "m1"}), Some("m1")),
            (MANAGER.to_owned(), json!({"value": ""}), None),
            (MANAGER.to_owned(), json!({}), None),
            (MANAGER.to_owned(), json!(null), None),
        ] {
            let path = TargetPath::parse(&path).unwrap();
            assert_eq!(path.read_reference(&user(manager)), want);
        }
    }

    #[test]
    fn one_place_has_many_spellings() {
        let same =
            |a: &str, b: &str| TargetPath::parse(a).unwrap().same_place(&TargetPath::parse(b).unwrap());
        assert!(same("name.givenName", "urn:ietf:params:scim:schemas:core:2.0:User:Name.GivenName"));
        assert!(same(r#"emails[type eq "work"].value"#, r#"emails[type eq "Work"].value"#));
        assert!(!same(r#"emails[type eq "work"].value"#, r#"emails[type eq "home"].value"#));
        assert!(!same("name", "name.givenName"));
        assert!(!same("department", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"));
    }
}
