//! Attribute names and PATCH paths: the text taken apart, nothing looked up yet.

use super::answer::Refusal;
use super::filter::{self, Filter};
use super::schema;

/// An attribute as requests name it: `[urn:]attribute[.sub]` (RFC 7644 §3.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttributeName {
    pub(super) schema: Option<String>,
    pub(super) attribute: String,
    pub(super) sub: Option<String>,
}

impl AttributeName {
    /// Takes a name apart; `None` when it can not be one.
    ///
    /// A URN ends at the last colon, but a known schema may also be followed by a dot, as the dialect of 2018 writes
    /// it (`wire.md 3.3`).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (schema, rest) = match known_prefix(text) {
            Some((urn, rest)) => (Some(urn.to_owned()), rest),
            None if is_urn(text) => {
                let (urn, rest) = text.rsplit_once(':')?;
                (Some(urn.to_owned()), rest)
            }
            None => (None, text),
        };
        let (attribute, sub) = match rest.split_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub)),
            None => (rest, None),
        };
        let well_formed = is_name(attribute) && sub.is_none_or(is_name);
        well_formed.then(|| Self { schema, attribute: attribute.to_owned(), sub: sub.map(ToOwned::to_owned) })
    }
}

/// Where a PATCH operation works (RFC 7644 §3.5.2).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PatchPath {
    /// A whole extension.
    Extension(String),
    /// An attribute; with a filter, some of its entries.
    Attribute {
        /// The attribute, with the sub-attribute that follows it or the bracket.
        name: AttributeName,
        /// Which entries.
        filter: Option<Filter>,
    },
}

impl PatchPath {
    /// Parses a path. Errors are answers with `invalidPath`, or `invalidFilter` for what stands in brackets.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::path(format!("`{text}` is not a path"));
        let text = text.trim();
        let Some((head, bracketed)) = text.split_once('[') else {
            if is_extension(text) {
                return Ok(Self::Extension(text.to_owned()));
            }
            let name = AttributeName::parse(text).ok_or_else(wrong)?;
            return Ok(Self::Attribute { name, filter: None });
        };
        let (condition, tail) = bracketed.rsplit_once(']').ok_or_else(wrong)?;
        let mut name = AttributeName::parse(head).filter(|name| name.sub.is_none()).ok_or_else(wrong)?;
        name.sub = match tail.strip_prefix('.') {
            Some(sub) if is_name(sub) => Some(sub.to_owned()),
            None if tail.is_empty() => None,
            Some(_) | None => return Err(wrong()),
        };
        Ok(Self::Attribute { name, filter: Some(filter::parse_value_filter(condition)?) })
    }
}

/// Whether the text is the URN of an extension and not of one of its attributes. Unknown extensions are told by
/// their last word, which names the resource they extend (`wire.md 12.4`).
pub(super) fn is_extension(text: &str) -> bool {
    let known = schema::SCHEMAS.iter().any(|schema| schema.id.eq_ignore_ascii_case(text));
    let names_resource = text
        .rsplit_once(':')
        .is_some_and(|(_, last)| last.eq_ignore_ascii_case("User") || last.eq_ignore_ascii_case("Group"));
    known || (is_urn(text) && names_resource)
}

/// Whether the text starts as a URN does.
pub(super) fn is_urn(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

fn known_prefix(text: &str) -> Option<(&'static str, &str)> {
    schema::SCHEMAS.iter().find_map(|schema| {
        let (urn, rest) = text.split_at_checked(schema.id.len())?;
        let rest = rest.strip_prefix([':', '.'])?;
        urn.eq_ignore_ascii_case(schema.id).then_some((schema.id, rest))
    })
}

/// A letter or `$`, then letters, digits, `-`, `_` (RFC 7643 §2.1).
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '$')
        && chars.all(|next| next.is_ascii_alphanumeric() || matches!(next, '-' | '_' | '$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(schema: Option<&str>, attribute: &str, sub: Option<&str>) -> AttributeName {
        AttributeName {
            schema: schema.map(ToOwned::to_owned),
            attribute: attribute.to_owned(),
            sub: sub.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn names_come_apart_at_urn_and_dot() {
        let custom = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User";
        let cases = [
            ("userName", name(None, "userName", None)),
            ("name.givenName", name(None, "name", Some("givenName"))),
            ("members.$ref", name(None, "members", Some("$ref"))),
            (
                &format!("{}:name.givenName", schema::USER),
                name(Some(schema::USER), "name", Some("givenName")),
            ),
            (
                &format!("{}:department", schema::ENTERPRISE),
                name(Some(schema::ENTERPRISE), "department", None),
            ),
            (
                &format!("{}.department", schema::ENTERPRISE),
                name(Some(schema::ENTERPRISE), "department", None),
            ),
            (&format!("{custom}:floor"), name(Some(custom), "floor", None)),
            (&format!("{custom}:desk.number"), name(Some(custom), "desk", Some("number"))),
        ];
        for (text, want) in cases {
            assert_eq!(AttributeName::parse(text), Some(want), "{text}");
        }
        for wrong in ["", "1a", "a.b.c", "a b", "a.", ".a", "urn:", "ä"] {
            assert_eq!(AttributeName::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_urn_that_ends_in_a_resource_is_the_extension_itself() {
        let custom = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User";
        assert_eq!(PatchPath::parse(custom).unwrap(), PatchPath::Extension(custom.to_owned()));
        assert!(matches!(PatchPath::parse(&format!("{custom}:floor")).unwrap(), PatchPath::Attribute { .. }));
    }

    #[test]
    fn broken_paths_are_refused() {
        for wrong in
            ["", "emails[", "emails[type eq \"work\"", "emails]", "emails[type eq \"work\"]value", "emails[]"]
        {
            assert!(PatchPath::parse(wrong).is_err(), "{wrong}");
        }
    }
}
