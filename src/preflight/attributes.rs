//! Which attributes are tested, and the values they get (`preflight.md 1.4`, 1.5, 3.1).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::engine::ids;
use crate::expression::AttributeValue;
use crate::scim::path::TargetPath;
use crate::scim::schemas::Schemas;
use crate::scim::urn;

/// Where the attributes that are tested come from (W-188).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attributes {
    /// The validator's default set.
    Default,
    /// Of the default set, what `/Schemas` shows.
    Discovered,
    /// Of the default set, what a schema file of Entra names, in small letters.
    Listed(BTreeSet<String>),
}

impl Attributes {
    /// The attributes of an Entra schema file: every name in a list called `attributes`.
    pub fn of_file(schema: &Value) -> Self {
        let mut names = BTreeSet::new();
        collect(schema, &mut names);
        Self::Listed(names)
    }
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(members) => {
            for (name, value) in members {
                if name == "attributes" {
                    let listed = value.as_array().into_iter().flatten();
                    names.extend(listed.filter_map(|it| Some(it.get("name")?.as_str()?.to_lowercase())));
                }
                collect(value, names);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The paths that verbose updates of the SCIM Validator go over, in its order (`preflight.md B6`).
const PATHS: [&str; 36] = [
    "active",
    "displayName",
    "title",
    r#"emails[type eq "work"].value"#,
    r#"emails[type eq "work"].primary"#,
    "preferredLanguage",
    "name.givenName",
    "name.familyName",
    "name.formatted",
    "name.middleName",
    "name.honorificPrefix",
    "name.honorificSuffix",
    r#"addresses[type eq "work"].formatted"#,
    r#"addresses[type eq "work"].streetAddress"#,
    r#"addresses[type eq "work"].locality"#,
    r#"addresses[type eq "work"].region"#,
    r#"addresses[type eq "work"].postalCode"#,
    r#"addresses[type eq "work"].primary"#,
    r#"addresses[type eq "work"].country"#,
    r#"phoneNumbers[type eq "work"].value"#,
    r#"phoneNumbers[type eq "work"].primary"#,
    r#"phoneNumbers[type eq "mobile"].value"#,
    r#"phoneNumbers[type eq "fax"].value"#,
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
    r#"roles[primary eq "True"].display"#,
    r#"roles[primary eq "True"].value"#,
    r#"roles[primary eq "True"].type"#,
    "userType",
    "nickName",
    "locale",
    "timezone",
    "profileUrl",
];

/// The values of a run: the same seed, the same values.
#[derive(Debug, Clone)]
pub(super) struct Values {
    seed: u64,
    domain: String,
    kept: Option<BTreeSet<String>>,
    drawn: u64,
}

impl Values {
    /// `schemas` is what the endpoint shows of itself, where it does.
    pub(super) fn new(seed: u64, domain: &str, attributes: &Attributes, schemas: Option<&Schemas>) -> Self {
        let kept = match attributes {
            Attributes::Default => None,
            Attributes::Listed(names) => Some(names.clone()),
            Attributes::Discovered => Some(discovered(schemas)),
        };
        Self { seed, domain: domain.to_owned(), kept, drawn: 0 }
    }

    /// Whether an attribute is among those that are tested.
    pub(super) fn has(&self, path: &str) -> bool {
        // `primary` goes with the value beside it: lists of Entra leave it out.
        let named =
            path.strip_suffix(".primary").map_or_else(|| path.to_owned(), |list| format!("{list}.value"));
        let has = |path: &str| self.kept.as_ref().is_none_or(|kept| kept.contains(&path.to_lowercase()));
        has(path) || (named != path && has(&named))
    }

    /// A GUID that nothing else of the run has.
    pub(super) fn guid(&mut self) -> Uuid {
        self.drawn += 1;
        ids::derived(self.seed, &["preflight", &self.drawn.to_string()])
    }

    /// So many hexadecimal digits, eight at most.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        self.guid().simple().to_string().chars().take(digits).collect()
    }

    /// Twelve capitals.
    pub(super) fn capitals(&mut self) -> String {
        let letter = |byte: u8| char::from(b'A' + byte % 26);
        self.guid().into_bytes().into_iter().take(12).map(letter).collect()
    }

    pub(super) fn user_name(&mut self, prefix: &str) -> String {
        format!("{prefix}{}@{}", self.hex(8), self.domain)
    }

    /// Which of the two sets of values a run begins with.
    pub(super) fn set(&self) -> usize {
        usize::from(self.seed % 2 == 1)
    }

    /// The value that updates give, where target set 1 has one.
    pub(super) fn in_second_set(path: &TargetPath) -> Option<Value> {
        of_set(path, 1).map(|value| json!(value))
    }

    /// A source user's attributes, of one of the three sets (`preflight.md 1.4`), under this name.
    pub(super) fn source_user(&mut self, set: usize, name: &str) -> BTreeMap<String, AttributeValue> {
        let constant = SOURCE_CONSTANTS.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let varied =
            SOURCE_SETS.iter().filter_map(|(name, values)| Some((*name, (*values.get(set)?).to_owned())));
        // mail and mailNickname draw another GUID than the userPrincipalName (X17).
        let other = self.hex(8);
        let own = [
            ("userPrincipalName", name.to_owned()),
            ("displayName", name.to_owned()),
            ("accountEnabled", "True".to_owned()),
            ("mail", format!("mail{other}@{}", self.domain)),
            ("mailNickname", format!("testuser{other}")),
            ("employeeId", self.hex(8)),
        ];
        let all = constant.chain(varied).chain(own);
        all.map(|(name, value)| (name.to_owned(), AttributeValue::Text(value))).collect()
    }

    /// One of so many.
    pub(super) fn pick<const N: usize>(&self, of: [&'static str; N]) -> &'static str {
        let at = usize::try_from(self.seed).unwrap_or(usize::MAX) % N.max(1);
        of.get(at).copied().unwrap_or_default()
    }

    /// Fresh values for every path of the validator's list, and the paths with them.
    pub(super) fn validator(&mut self) -> Vec<(TargetPath, Value)> {
        let phone = format!("45-955-{}", 1000 + self.guid().as_u64_pair().0 % 9000);
        let paths: Vec<&str> = PATHS.into_iter().filter(|path| self.has(path)).collect();
        let valued = paths.into_iter().filter_map(|path| {
            let value = match path {
                "active" => json!(true),
                "preferredLanguage" => json!(self.pick(["el-CY", "de-AT", "en-GB"])),
                "timezone" => json!(self.pick(["America/Costa_Rica", "Europe/Vienna"])),
                _ if path.ends_with(".primary") => json!(true),
                _ if path.starts_with("emails") => json!(self.user_name("mail")),
                _ if path.starts_with("phoneNumbers") => json!(phone),
                _ if path.ends_with(".country") => json!(self.pick(["Estonia", "Norway"])),
                _ => json!(self.capitals()),
            };
            Some((TargetPath::parse(path).ok()?, value))
        });
        valued.collect()
    }

    /// The validator's user, with its values by path.
    pub(super) fn full_user(&mut self, prefix: &str) -> (Value, Vec<(TargetPath, Value)>) {
        let mut values = vec![(plain("userName"), json!(self.user_name(prefix)))];
        values.extend(self.validator());
        if self.has(MANAGER) {
            values.push((plain(&format!("{MANAGER}.value")), json!(self.capitals())));
        }
        (body(&values, &[urn::USER, urn::ENTERPRISE_USER]), values)
    }

    /// A value for a direct body of the gallery validation: of one of the two target sets, else by name.
    pub(super) fn direct(&mut self, path: &TargetPath, set: usize) -> Value {
        if let Some(value) = of_set(path, set) {
            return json!(value);
        }
        let leaf = path.sub().unwrap_or(path.attribute());
        json!(match (path.attribute(), leaf) {
            ("emails", _) => self.user_name("lasctest"),
            ("phoneNumbers", _) => format!("+1-555-{}", 1000 + self.guid().as_u64_pair().0 % 9000),
            ("roles", "value") => "TestRole".to_owned(),
            ("roles", "type") => "primary".to_owned(),
            ("roles", "display") => "Test Role".to_owned(),
            ("addresses", "formatted") => "Test Test".to_owned(),
            (_, "employeeNumber") => self.hex(6),
            _ => format!("Test-{leaf}-{}", self.hex(6)),
        })
    }
}

/// What a target set has for a path.
fn of_set(path: &TargetPath, set: usize) -> Option<&'static str> {
    let text = path.as_str();
    let fits = |name: &str| {
        text == name || (name.starts_with('.') && text.ends_with(name) && !text.contains("other"))
    };
    TARGET_SETS.iter().find(|(name, _)| fits(name)).and_then(|(_, values)| values.get(set).copied())
}

/// The manager, as an attribute of the enterprise extension.
pub(super) const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

/// The two target sets, by the end of the path (`preflight.md 1.4`).
const TARGET_SETS: [(&str, [&str; 2]); 15] = [
    ("title", ["Test Engineer", "Senior Engineer"]),
    ("nickName", ["testuser", "updateduser"]),
    ("name.givenName", ["TestFirst", "UpdatedFirst"]),
    ("name.familyName", ["TestLast", "UpdatedLast"]),
    ("name.formatted", ["TestFirst TestLast", "UpdatedFirst UpdatedLast"]),
    ("displayName", ["SCIM Test User", "Updated SCIM User"]),
    ("locale", ["en-US", "en-GB"]),
    ("preferredLanguage", ["en-US", "en-GB"]),
    ("timezone", ["America/Los_Angeles", "Europe/London"]),
    ("userType", ["Employee", "Contractor"]),
    (".streetAddress", ["1 Microsoft Way", "456 Update Ave"]),
    (".locality", ["Redmond", "London"]),
    (".region", ["WA", "England"]),
    (".postalCode", ["98052", "EC1A 1BB"]),
    (".country", ["US", "GB"]),
];

/// What the three source sets have in common, by the names of the directory.
const SOURCE_CONSTANTS: [(&str, &str); 5] = [
    ("surname", "User"),
    ("postalCode", "98101"),
    ("preferredLanguage", "en-US"),
    ("physicalDeliveryOfficeName", "Building A, Floor 3"),
    ("facsimileTelephoneNumber", "+1-555-0102"),
];

/// What they differ in.
const SOURCE_SETS: [(&str, [&str; 3]); 9] = [
    ("givenName", ["User1 Given", "User2 Given", "User3 Given"]),
    ("jobTitle", ["Software Engineer", "Software Dev Engineer", "Research Scientist"]),
    ("department", ["Research", "Legal", "HumanResources"]),
    ("telephoneNumber", ["+1-555-0100", "+1-555-2001", "+1-555-2001"]),
    ("mobile", ["+1-555-0101", "+1-555-0120", "+1-555-0120"]),
    ("streetAddress", ["123 Test Street", "240 East 24th Ave", "240 East 24th Ave"]),
    ("city", ["Seattle", "Sanjose", "Delhi"]),
    ("state", ["WA", "CA", "DL"]),
    ("country", ["US", "US", "IN"]),
];

/// A path of ours, which parses.
pub(super) fn plain(path: &str) -> TargetPath {
    TargetPath::parse(path).expect("the paths of the list are well-formed")
}

/// A resource from values by path; `schemas` comes last, as in the validator's bodies.
pub(super) fn body(values: &[(TargetPath, Value)], schemas: &[&str]) -> Value {
    let mut resource = Map::new();
    for (path, value) in values {
        put(&mut resource, path, value);
    }
    let used = schemas.iter().filter(|urn| **urn != urn::ENTERPRISE_USER || resource.contains_key(**urn));
    let used: Vec<&&str> = used.collect();
    let schemas = json!(used);
    resource.insert("schemas".to_owned(), schemas);
    Value::Object(resource)
}

fn put(resource: &mut Map<String, Value>, path: &TargetPath, value: &Value) {
    let holder = match path.extension() {
        Some(urn) => resource.entry(urn.to_owned()).or_insert_with(|| json!({})).as_object_mut(),
        None => Some(resource),
    };
    let Some(holder) = holder else { return };
    let Some(sub) = path.sub() else {
        holder.insert(path.attribute().to_owned(), value.clone());
        return;
    };
    let Some(filter) = path.filter() else {
        let complex = holder.entry(path.attribute().to_owned()).or_insert_with(|| json!({}));
        if let Some(complex) = complex.as_object_mut() {
            complex.insert(sub.to_owned(), value.clone());
        }
        return;
    };
    let list = holder.entry(path.attribute().to_owned()).or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else { return };
    let literal = json!(filter.literal());
    let is_it = |item: &Value| item.get(filter.attribute()) == Some(&literal);
    if !list.iter().any(is_it) {
        list.push(json!({ (filter.attribute()): literal }));
    }
    let item = list.iter_mut().find(|item| item.get(filter.attribute()) == Some(&literal));
    if let Some(item) = item.and_then(Value::as_object_mut) {
        item.insert(sub.to_owned(), value.clone());
    }
}

/// What of the default set `/Schemas` shows as writable; required attributes are always there.
fn discovered(schemas: Option<&Schemas>) -> BTreeSet<String> {
    let Some(schemas) = schemas else { return BTreeSet::new() };
    let shown = |path: &&str| {
        let path = plain(path);
        let schema = schemas.schema(path.extension().unwrap_or(urn::USER));
        let attribute = schema.and_then(|schema| schema.attribute(path.attribute()));
        attribute.and_then(|attribute| attribute.part(&path)).is_some_and(|part| {
            part.mutability != "readOnly" && (part.type_name != "reference" || path.as_str() == MANAGER)
        })
    };
    let more = [MANAGER, "userName", "externalId", r#"addresses[type eq "other"].formatted"#];
    PATHS.iter().chain(&more).copied().filter(shown).map(str::to_lowercase).collect()
}
