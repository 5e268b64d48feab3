//! Reading JSON with a path to every finding.

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, did_you_mean};

/// An object of the document and where it stands, such as `directories[0].objects[1]`.
#[derive(Clone)]
pub(super) struct Node<'v> {
    pub(super) members: &'v Map<String, Value>,
    pub(super) path: String,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Findings(pub(super) Vec<Diagnostic>);

impl Findings {
    /// Refuses the import.
    pub(super) fn error(&mut self, path: &str, message: impl AsRef<str>) {
        self.0.push(Diagnostic::error(told(path, message.as_ref())));
    }

    /// Is worth knowing; the document is imported.
    pub(super) fn warning(&mut self, path: &str, message: impl AsRef<str>) {
        self.0.push(Diagnostic::warning(told(path, message.as_ref())));
    }

    /// The same with advice.
    pub(super) fn help(&mut self, advice: Option<String>) {
        if let Some(last) = self.0.last_mut() {
            last.help = advice;
        }
    }
}

fn told(path: &str, message: &str) -> String {
    if path.is_empty() { message.to_owned() } else { format!("{path}: {message}") }
}

impl<'v> Node<'v> {
    /// The whole document.
    pub(super) fn root(document: &'v Value, findings: &mut Findings) -> Option<Self> {
        let members = document.as_object();
        if members.is_none() {
            findings.error("", "a synchronization schema is a JSON object");
        }
        Some(Self { members: members?, path: String::new() })
    }

    /// The path of a member.
    pub(super) fn at(&self, member: &str) -> String {
        if self.path.is_empty() { member.to_owned() } else { format!("{}.{member}", self.path) }
    }

    /// A member; null counts as absent.
    pub(super) fn get(&self, member: &str) -> Option<&'v Value> {
        self.members.get(member).filter(|value| !value.is_null())
    }

    /// A text; `None` when it is absent, and when it is something else, which is noted.
    pub(super) fn text(&self, member: &str, findings: &mut Findings) -> Option<&'v str> {
        let value = self.get(member)?;
        if !value.is_string() {
            findings.error(&self.at(member), "must be a text");
        }
        value.as_str()
    }

    /// A text that has to be there.
    pub(super) fn required(&self, member: &str, findings: &mut Findings) -> Option<&'v str> {
        if self.get(member).is_none() {
            findings.error(&self.path, format!("`{member}` is missing"));
        }
        self.text(member, findings)
    }

    /// A truth value.
    pub(super) fn flag(&self, member: &str, default: bool, findings: &mut Findings) -> bool {
        let Some(value) = self.get(member) else { return default };
        if !value.is_boolean() {
            findings.error(&self.at(member), "must be true or false");
        }
        value.as_bool().unwrap_or(default)
    }

    /// A whole number that is not negative.
    pub(super) fn number(&self, member: &str, findings: &mut Findings) -> u32 {
        let Some(value) = self.get(member) else { return 0 };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        if number.is_none() {
            findings.error(&self.at(member), "must be a whole number, 0 or more");
        }
        number.unwrap_or_default()
    }

    /// The objects of a list; none when it is absent.
    pub(super) fn list(&self, member: &str, findings: &mut Findings) -> Vec<Self> {
        let path = self.at(member);
        let Some(value) = self.get(member) else { return Vec::new() };
        let Some(items) = value.as_array() else {
            findings.error(&path, "must be a list");
            return Vec::new();
        };
        let mut nodes = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            match item.as_object() {
                Some(members) => nodes.push(Self { members, path }),
                None => findings.error(&path, "must be an object"),
            }
        }
        nodes
    }

    /// One of a set of names; the default when it is absent, and when it is unknown, which is noted.
    pub(super) fn name<T: Copy + Default>(
        &self,
        member: &str,
        all: &[T],
        as_str: fn(T) -> &'static str,
        findings: &mut Findings,
    ) -> T {
        let Some(text) = self.text(member, findings) else { return T::default() };
        all.iter().copied().find(|one| as_str(*one) == text).unwrap_or_else(|| {
            let names: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
            findings.error(&self.at(member), format!("`{text}` is not known"));
            findings.help(Some(match did_you_mean(text, names.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("one of {}", names.join(", ")),
            }));
            T::default()
        })
    }

    /// Notes members that no synchronization schema has. They are kept. Annotations (`@odata.…`) are nobody's business.
    pub(super) fn only(&self, known: &[&str], findings: &mut Findings) {
        for name in self.members.keys() {
            if !known.contains(&name.as_str()) && !name.contains('@') {
                findings.warning(&self.at(name), "is not part of a synchronization schema; kept and ignored");
            }
        }
    }

    /// The values of `metadata` by key; what is no pair is noted.
    pub(super) fn metadata(&self, findings: &mut Findings) -> Vec<(&'v str, &'v str)> {
        let mut pairs = Vec::new();
        for pair in self.list("metadata", findings) {
            pairs.extend(pair.required("key", findings).zip(pair.required("value", findings)));
        }
        pairs
    }
}
