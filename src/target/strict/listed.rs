//! One attribute that an application lists, and the values it takes for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::target::ResourceKind;
use crate::target::answer::Refusal;
use crate::target::filter::evaluate::{entry_holds, find};
use crate::target::filter::{Filter, Literal, Operator};
use crate::target::path::{AttributeName, PatchPath};
use crate::target::schema::{self, Attribute, Place, Resolved};
use crate::target::value::{entries, member_ids};

/// An attribute as the profile writes it. What concerns mappings is passed over.
#[derive(Deserialize)]
pub(super) struct RawAttribute {
    pub(super) name: String,
    #[serde(rename = "type", default)]
    kind: ValueType,
    #[serde(default)]
    required: bool,
    #[serde(default = "yes")]
    filterable: bool,
    #[serde(default)]
    multivalued: bool,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
}

fn yes() -> bool {
    true
}

/// The types of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(in crate::target) enum ValueType {
    #[default]
    String,
    Integer,
    Boolean,
    DateTime,
    Reference,
    Binary,
}

/// An attribute that the application lists.
#[derive(Debug, Clone)]
pub(in crate::target) struct Listed {
    /// As the profile writes it.
    pub(super) text: String,
    pub(super) place: Place,
    pub(super) name: String,
    /// Which entries of a multi-valued attribute.
    pub(super) filter: Option<Filter>,
    pub(super) sub: Option<String>,
    pub(super) definition: Option<&'static Attribute>,
    pub(super) kind: ValueType,
    pub(super) required: bool,
    pub(super) filterable: bool,
    pub(super) multivalued: bool,
    /// What a reference may lead to; anything, when nothing is said.
    references: Vec<String>,
    /// The only values, in any letter case; any, when nothing is said.
    pub(super) values: Vec<String>,
}

/// What the application knows of an id: the kind of its resource.
pub(in crate::target) type Lookup<'a> = &'a dyn Fn(&str) -> Option<ResourceKind>;

impl Listed {
    /// `None` for a name that is no attribute.
    pub(super) fn read(kind: ResourceKind, raw: &RawAttribute) -> Option<Self> {
        let PatchPath::Attribute { name, filter } = PatchPath::parse(&raw.name).ok()? else { return None };
        let resolved = schema::resolve(kind, &name)?;
        Some(Self {
            text: raw.name.clone(),
            sub: compared_part(&resolved).map(ToOwned::to_owned),
            place: resolved.place,
            name: resolved.name,
            filter,
            definition: resolved.definition,
            kind: raw.kind,
            required: raw.required,
            filterable: raw.filterable,
            multivalued: raw.multivalued,
            references: raw.references.clone(),
            values: raw.values.clone(),
        })
    }

    /// Whether the resolved name, with a filter in brackets, means this attribute.
    pub(super) fn is(&self, resolved: &Resolved, filter: Option<&Filter>) -> bool {
        let sub = compared_part(resolved);
        // The entries of references are not listed apart: `members[value eq "…"]` is `members`.
        let filter = filter.filter(|_| !is_reference(resolved.definition));
        self.is_part_of(resolved)
            && match (&self.sub, sub) {
                (Some(own), Some(other)) => own.eq_ignore_ascii_case(other),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
            && match (&self.filter, filter) {
                (Some(own), Some(other)) => same(own, other),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
    }

    /// Whether it is in the attribute that is named, as the whole or a part of it.
    pub(super) fn is_part_of(&self, resolved: &Resolved) -> bool {
        same_place(&self.place, &resolved.place) && self.name.eq_ignore_ascii_case(&resolved.name)
    }

    /// Whether it concerns the entry of a multi-valued attribute; every entry when it names none.
    pub(super) fn concerns(&self, entry: &Value) -> bool {
        self.filter.as_ref().is_none_or(|filter| entry_holds(filter, self.definition, entry))
    }

    /// Whether it must be there. Members are no part of what is looked at, and the id is the application's own.
    pub(super) fn is_required(&self) -> bool {
        self.required && !matches!(self.name.as_str(), "id" | "members")
    }

    /// Whether a resource has a value for it.
    pub(super) fn is_in(&self, body: &Map<String, Value>) -> bool {
        let fields = match &self.place {
            Place::Core => Some(body),
            Place::Extension(urn) => find(body, urn).and_then(Value::as_object),
        };
        let Some(value) = fields.and_then(|fields| find(fields, &self.name)) else { return false };
        let has = |entry: &Value| match &self.sub {
            None => true,
            Some(sub) => entry.as_object().is_some_and(|fields| find(fields, sub).is_some()),
        };
        match value.as_array() {
            Some(all) => all.iter().any(|entry| self.concerns(entry) && has(entry)),
            None => has(value),
        }
    }

    /// Refuses a value of another type. What means "no value" is of every type.
    pub(super) fn check(&self, value: &Value, lookup: Lookup<'_>) -> Result<(), Refusal> {
        if is_nothing(value) {
            return Ok(());
        }
        if self.kind == ValueType::Reference {
            return self.check_reference(value, lookup);
        }
        let given = entries(value.clone());
        if !self.multivalued && 1 < given.len() {
            return Err(Refusal::value(format!("`{}` takes one value", self.text)));
        }
        for entry in given {
            // A lone value may stand in an object of its own.
            let inner = entry.as_object().and_then(|fields| find(fields, "value")).unwrap_or(&entry);
            if !is_nothing(inner) && !self.kind.takes(inner) {
                return Err(Refusal::value(format!(
                    "`{}` takes {}, which this value is not",
                    self.text,
                    self.kind.described()
                )));
            }
            self.check_among(inner)?;
        }
        Ok(())
    }

    fn check_among(&self, value: &Value) -> Result<(), Refusal> {
        let text = value.as_str().unwrap_or_default();
        let listed = self.values.iter().any(|one| one.eq_ignore_ascii_case(text));
        if self.values.is_empty() || listed || is_nothing(value) {
            return Ok(());
        }
        Err(Refusal::value(format!("`{}` takes {} and nothing else", self.text, self.values.join(", "))))
    }

    fn check_reference(&self, value: &Value, lookup: Lookup<'_>) -> Result<(), Refusal> {
        let wrong = |what: &str| Refusal::value(format!("`{}` takes {what}", self.text));
        let ids = member_ids(value.clone()).map_err(|_| wrong("ids of resources"))?;
        if !self.multivalued && 1 < ids.len() {
            return Err(wrong("one value"));
        }
        for id in ids {
            let allowed = lookup(&id).is_some_and(|kind| {
                self.references.is_empty() || self.references.iter().any(|name| name == kind.as_str())
            });
            if !allowed {
                let of = if self.references.is_empty() {
                    "a resource".to_owned()
                } else {
                    self.references.join(" or ")
                };
                return Err(wrong(&format!("the id of a {of} that is there; `{id}` is none")));
            }
        }
        Ok(())
    }
}

impl ValueType {
    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Boolean => {
                // Entra writes Booleans as text (`wire.md 4.2`).
                let truth = |text: &str| ["true", "false"].iter().any(|one| one.eq_ignore_ascii_case(text));
                value.is_boolean() || value.as_str().is_some_and(truth)
            }
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::String | Self::Reference => value.is_string(),
            Self::DateTime => value.as_str().is_some_and(is_date_time),
            Self::Binary => value.as_str().is_some_and(|text| STANDARD.decode(text).is_ok()),
        }
    }

    fn described(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::DateTime => "a date with a time, such as 2026-08-01T00:00:00Z",
            Self::Reference => "the id of a resource",
            Self::Binary => "base64 text",
        }
    }

    /// The word in `/Schemas`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::DateTime => "dateTime",
            Self::Reference => "reference",
            Self::Binary => "binary",
        }
    }
}

/// A name with the condition in its brackets, as a client would write it.
pub(super) fn label(name: &AttributeName, filter: Option<&Filter>) -> String {
    let urn = name.schema.as_ref().map(|urn| format!("{urn}:")).unwrap_or_default();
    let condition = match filter {
        None => String::new(),
        Some(Filter::Compare(subject, Operator::Equal, Literal::Text(text))) => {
            format!("[{} eq \"{text}\"]", subject.name.attribute)
        }
        Some(_) => "[…]".to_owned(),
    };
    let sub = name.sub.as_ref().map(|sub| format!(".{sub}")).unwrap_or_default();
    format!("{urn}{}{condition}{sub}", name.attribute)
}

/// Whether an attribute is a reference, which is one thing: `manager` and `manager.value` are the same.
pub(super) fn is_reference(definition: Option<&Attribute>) -> bool {
    definition.is_some_and(|definition| definition.sub("$ref").is_some())
}

fn compared_part(resolved: &Resolved) -> Option<&str> {
    resolved.sub.as_ref().filter(|_| !is_reference(resolved.definition)).map(|sub| sub.name.as_str())
}

fn same_place(a: &Place, b: &Place) -> bool {
    match (a, b) {
        (Place::Core, Place::Core) => true,
        (Place::Extension(a), Place::Extension(b)) => a.eq_ignore_ascii_case(b),
        (Place::Core, Place::Extension(_)) | (Place::Extension(_), Place::Core) => false,
    }
}

/// Whether two conditions on entries are the same but for letter case: `type eq "work"` is how all of them look.
fn same(a: &Filter, b: &Filter) -> bool {
    match (a, b) {
        (
            Filter::Compare(a, Operator::Equal, Literal::Text(x)),
            Filter::Compare(b, Operator::Equal, Literal::Text(y)),
        ) => a.name.attribute.eq_ignore_ascii_case(&b.name.attribute) && x.eq_ignore_ascii_case(y),
        (a, b) => a == b,
    }
}

/// Whether a value means that there is none (RFC 7643 §2.5).
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// An `xsd:dateTime`: a date and a time, with or without a zone (RFC 7643 §2.3.5).
fn is_date_time(text: &str) -> bool {
    let with_time = text.as_bytes().get(10).is_some_and(|byte| *byte == b'T');
    with_time && (text.parse::<jiff::Timestamp>().is_ok() || is_local(text))
}

fn is_local(text: &str) -> bool {
    !text.contains('[') && text.parse::<DateTime>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_a_time() {
        for good in ["2026-08-01T00:00:00Z", "2026-08-01T10:20:30.5+02:00", "2026-08-01T10:20:30"] {
            assert!(is_date_time(good), "{good}");
        }
        for bad in
            ["2026-08-01", "01/08/2026", "tomorrow", "2026-13-01T00:00:00Z", "2026-08-01T25:00:00Z", "1"]
        {
            assert!(!is_date_time(bad), "{bad}");
        }
    }
}
