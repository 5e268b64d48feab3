//! What answers are worth: pure, answers in, checks and grades out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::list::Kind;
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::scim::path::TargetPath;
use crate::scim::schemas::{SchemaAttribute, Schemas};
use crate::scim::{member, urn};

/// Whose verdict a check decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Both: the official run asserts it, and the documents ask for it.
    Both,
    /// The documents ask for it, and the official run passes without (`preflight.md 5.2`).
    Documented,
    /// The official run asserts it, and the documents accept less.
    AsRun,
    /// Nobody's: said, and tolerated.
    Remark,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The phase of a test that has several: `Create`, `Update`, …
    pub phase: &'static str,
    /// What was done to find out, by Microsoft's name where there is one (`preflight.md 2.9`).
    pub action: String,
    /// What has to be.
    pub expected: String,
    /// What is.
    pub got: String,
    /// Whether that will do.
    pub holds: bool,
    /// Whose verdict it decides.
    pub weight: Weight,
    /// The exchange that shows it, as a line.
    pub request: Option<String>,
}

/// The phase of what a test needs beforehand, and is not about.
pub const SET_UP: &str = "Set-up";

/// What a test is worth by the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Everything held.
    Passed,
    /// Something is off that fails no submission.
    Tolerated,
    /// It was not run.
    Skipped,
    /// Something has to change.
    Failed,
}

impl Grade {
    /// One word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Tolerated => "tolerated",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// What the official run says of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// `success`.
    Passed,
    /// `WARNING`: an optional test failed.
    Warning,
    /// `SKIPPED`.
    Skipped,
    /// `FAILED`.
    Failed,
}

impl Word {
    /// One word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// Grades a test by its checks: by the documents, and as the official run would.
pub fn grade(kind: Kind, checks: &[Check]) -> (Grade, Word) {
    let fails =
        |weights: &[Weight]| checks.iter().any(|check| !check.holds && weights.contains(&check.weight));
    let documented = if fails(&[Weight::Both, Weight::Documented]) {
        match kind {
            Kind::Mandatory => Grade::Failed,
            Kind::Optional | Kind::Preview => Grade::Tolerated,
        }
    } else if fails(&[Weight::AsRun, Weight::Remark]) {
        Grade::Tolerated
    } else {
        Grade::Passed
    };
    let as_run = match (fails(&[Weight::Both, Weight::AsRun]), kind) {
        (false, _) => Word::Passed,
        (true, Kind::Optional) => Word::Warning,
        (true, Kind::Mandatory | Kind::Preview) => Word::Failed,
    };
    (documented, as_run)
}

/// Whether the next phase runs: the one before passed (`preflight.md 2.1`).
pub fn goes_on(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.holds || matches!(check.weight, Weight::Documented | Weight::Remark))
}

/// Why a body is no resource that SCIM 2 clients can parse (`preflight.md 3.2` F8, W-211); `None` when it is one.
pub fn unparsable(kind: ObjectKind, resource: &Value) -> Option<String> {
    if !resource.is_object() {
        return Some("the answer is no JSON object".to_owned());
    }
    let core = match kind {
        ObjectKind::User => urn::USER,
        ObjectKind::Group => urn::GROUP,
    };
    if !names(member(resource, "schemas"), core) {
        return Some(format!("`schemas` does not name {core}"));
    }
    if member(resource, "id").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Some("`id` is no text".to_owned());
    }
    let required = match kind {
        ObjectKind::User => "userName",
        ObjectKind::Group => "displayName",
    };
    if member(resource, required).and_then(Value::as_str).is_none() {
        return Some(format!("`{required}` is no text"));
    }
    if let Some(path) = not_boolean(resource, "") {
        return Some(format!("`{path}` cannot be parsed as type Boolean"));
    }
    let enterprise = member(resource, urn::ENTERPRISE_USER);
    if let Some(manager) = enterprise.and_then(|it| member(it, "manager"))
        && !matches!(manager, Value::Null | Value::Object(_))
    {
        return Some("`manager` is no object with a `value`".to_owned());
    }
    ["created", "lastModified"].into_iter().find_map(|name| {
        let moment = member(member(resource, "meta")?, name)?;
        let is_moment =
            moment.is_null() || moment.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok());
        (!is_moment).then(|| format!("`meta.{name}` cannot be parsed as type DateTime"))
    })
}

/// The first `active` or `primary` that is no JSON Boolean.
fn not_boolean(value: &Value, at: &str) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            let is_flag = ["active", "primary"].iter().any(|flag| name.eq_ignore_ascii_case(flag));
            if is_flag && !matches!(value, Value::Bool(_) | Value::Null) {
                return Some(at);
            }
            not_boolean(value, &at)
        }),
        Value::Array(items) => items.iter().find_map(|item| not_boolean(item, at)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// The attributes with two entries of one `type`, which Entra can not tell apart (W-212).
pub fn repeated_types(resource: &Value) -> Vec<String> {
    let members = resource.as_object().into_iter().flatten();
    let repeated = members.filter_map(|(name, value)| {
        let mut seen = BTreeSet::new();
        let types = value.as_array()?.iter().filter_map(|item| member(item, "type")?.as_str());
        // Members of a group have types of another sense: User, Group.
        let mut types = types.filter(|_| !name.eq_ignore_ascii_case("members"));
        types
            .find(|kind| !seen.insert(kind.to_ascii_lowercase()))
            .map(|kind| format!("{name} of type {kind}"))
    });
    repeated.collect()
}

/// What was sent and is not there, as sentences; empty when all is.
pub fn differences(sent: &[(TargetPath, Value)], resource: &Value) -> Vec<String> {
    let different = sent.iter().filter_map(|(path, wanted)| match path.read(resource) {
        Some(held) if same(wanted, held) => None,
        Some(held) => Some(format!("`{path}` is {held}, not {wanted}")),
        None => Some(format!("`{path}` is missing from the fetched resource")),
    });
    different.collect()
}

/// Whether the target holds what was sent. `primary` is sent as text and comes back as Boolean (`preflight.md 3.1`).
fn same(wanted: &Value, held: &Value) -> bool {
    match (wanted, held) {
        (Value::String(text), Value::Bool(flag)) => text.eq_ignore_ascii_case(&flag.to_string()),
        _ => wanted == held,
    }
}

/// The assertions on a list (`preflight.md 3.2`): what has to be, what is, whether that will do. `wanted` is what was
/// created and must be the only one found; `None`: nothing may be.
pub fn list_assertions(
    kind: ObjectKind,
    status: Option<u16>,
    body: &Value,
    wanted: Option<&[(TargetPath, Value)]>,
    without_members: bool,
) -> Vec<(String, String, bool)> {
    let mut assertions = Vec::new();
    let mut assert =
        |expected: &str, got: String, holds: bool| assertions.push((expected.to_owned(), got, holds));
    let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    assert("status 200", status.clone(), status == "200");
    let schemas = member(body, "schemas");
    let total = member(body, "totalResults").and_then(Value::as_u64);
    let there = |name: &str| if member(body, name).is_some() { "" } else { "no " };
    let parts = format!("{}`schemas`, {}`totalResults`", there("schemas"), there("totalResults"));
    assert(
        "the list has `schemas` and a number as `totalResults`",
        parts,
        schemas.is_some() && total.is_some(),
    );
    let shown = schemas.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    assert("its schema is ListResponse", shown, names(schemas, urn::LIST_RESPONSE));
    let count = u64::from(wanted.is_some());
    let shown = total.map_or_else(|| "nothing".to_owned(), |total| total.to_string());
    assert(&format!("`totalResults` is {count}"), shown, total == Some(count));
    let resources = resources(body);
    if let Some(wanted) = wanted {
        let found = resources.len();
        assert("`Resources` has every match", format!("{found} there"), found == 1);
        let first = resources.first();
        let differences =
            first.map_or_else(|| vec!["nothing to compare".to_owned()], |it| differences(wanted, it));
        assert("it is the resource that was created", joined(&differences), differences.is_empty());
        if without_members {
            let members = first.and_then(|it| member(it, "members"));
            let is_left_out =
                members.is_none_or(|it| it.is_null() || it.as_array().is_some_and(Vec::is_empty));
            let shown = members.map_or_else(|| "left out".to_owned(), ToString::to_string);
            assert("`members` is left out", shown, is_left_out);
        }
    }
    let broken = resources.iter().find_map(|resource| unparsable(kind, resource));
    let broken = broken.or_else(|| body.is_null().then(|| "the answer is no JSON".to_owned()));
    let what = format!("it parses as SCIM 2 core {kind}");
    assert(&what, broken.clone().unwrap_or_else(|| "it does".to_owned()), broken.is_none());
    assertions
}

/// The resources of a list answer.
pub fn resources(body: &Value) -> Vec<&Value> {
    member(body, "Resources").and_then(Value::as_array).into_iter().flatten().collect()
}

/// What is wrong with the form of an answer of `/Schemas` (`wire.md 8.1`, W-177): no list, nulls, names that are not
/// in camelCase.
pub fn schemas_form(body: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if !names(member(body, "schemas"), urn::LIST_RESPONSE) || member(body, "Resources").is_none() {
        wrong.push("it is no ListResponse".to_owned());
    }
    for schema in resources(body) {
        let id = member(schema, "id").and_then(Value::as_str).unwrap_or("a schema without id");
        if has_null(schema) {
            wrong.push(format!("{id} has members that are null"));
        }
        let attributes = member(schema, "attributes").and_then(Value::as_array).into_iter().flatten();
        let named = attributes.filter_map(|it| member(it, "name")?.as_str());
        let odd: Vec<&str> =
            named.filter(|name| name.starts_with(|first: char| first.is_uppercase())).collect();
        if !odd.is_empty() {
            wrong.push(format!("{id} has names that are not in camelCase: {}", odd.join(", ")));
        }
    }
    wrong
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether schemas advertise an attribute, as the schema test flattens them (`preflight.md A15`): no reference but
/// `manager` and `members`, no `primary`, and of a list with canonical types only those.
pub fn is_advertised(
    schemas: &Schemas,
    canonical: &BTreeMap<String, BTreeSet<String>>,
    path: &TargetPath,
    core: &str,
) -> bool {
    let Some(schema) = schemas.schema(path.extension().unwrap_or(core)) else { return false };
    let Some(attribute) = schema.attribute(path.attribute()) else { return false };
    if ["manager", "members"].iter().any(|name| path.attribute().eq_ignore_ascii_case(name)) {
        return true;
    }
    let Some(part): Option<&SchemaAttribute> = attribute.part(path) else { return false };
    if part.type_name == "reference" || part.type_name == "complex" {
        return false;
    }
    match path.filter() {
        None => true,
        Some(filter) => {
            let kinds = canonical.get(&attribute.name.to_ascii_lowercase());
            let is_primary = path.sub().is_some_and(|sub| sub.eq_ignore_ascii_case("primary"));
            let fits = match kinds {
                Some(kinds) => {
                    filter.attribute().eq_ignore_ascii_case("type")
                        && kinds.contains(&filter.literal().to_ascii_lowercase())
                }
                None => filter.is_on_primary(),
            };
            fits && !is_primary && attribute.multi_valued
        }
    }
}

/// The canonical values of the `type` of each attribute of the core schema, in small letters.
pub fn canonical_types(body: &Value, core: &str) -> BTreeMap<String, BTreeSet<String>> {
    let schema =
        resources(body).into_iter().find(|it| member(it, "id").and_then(Value::as_str) == Some(core));
    let attributes = schema.and_then(|it| member(it, "attributes")?.as_array()).into_iter().flatten();
    let typed = attributes.filter_map(|attribute| {
        let name = member(attribute, "name")?.as_str()?.to_ascii_lowercase();
        let subs = member(attribute, "subAttributes")?.as_array()?;
        let kind = subs.iter().find(|sub| member(sub, "name").and_then(Value::as_str) == Some("type"))?;
        let values = member(kind, "canonicalValues")?.as_array()?;
        let values: BTreeSet<String> =
            values.iter().filter_map(|value| Some(value.as_str()?.to_ascii_lowercase())).collect();
        (!values.is_empty()).then_some((name, values))
    });
    typed.collect()
}

/// What is wrong with pages of five (`preflight.md A23`): each is what was asked for, and what came. The last one is
/// what the official run does not look at: ids that come twice or not at all.
pub fn pages(pages: &[(u64, Option<u16>, Value)], own: &[String]) -> (Vec<String>, Vec<String>) {
    let mut wrong = Vec::new();
    if pages.len() < 2 {
        wrong.push(format!("{} page where there have to be two", pages.len()));
    }
    let mut ids: Vec<&str> = Vec::new();
    for (number, (start, status, body)) in (1..).zip(pages) {
        let echoed = member(body, "startIndex").and_then(Value::as_u64);
        if *status != Some(200) {
            wrong.push(format!("page {number} is answered {}", status.unwrap_or_default()));
        } else if echoed != Some(*start) {
            let echoed = member(body, "startIndex").map_or_else(|| "nothing".to_owned(), ToString::to_string);
            wrong.push(format!("page {number} has the `startIndex` {echoed}, not {start}"));
        }
        ids.extend(resources(body).into_iter().filter_map(|it| member(it, "id")?.as_str()));
    }
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    let mut unseen = Vec::new();
    if distinct.len() < ids.len() {
        unseen.push(format!("{} of {} resources come twice", ids.len() - distinct.len(), ids.len()));
    }
    let missing = own.iter().filter(|id| !distinct.contains(id.as_str())).count();
    if 0 < missing {
        unseen.push(format!("{missing} resources are on no page"));
    }
    (wrong, unseen)
}

/// What is odd about the life of an access token, in seconds (W-020: from an hour to six).
pub fn token_life(expires_in: u64) -> Option<String> {
    /// An hour, in seconds.
    const LEAST: u64 = 3600;
    /// Six hours, in seconds.
    const MOST: u64 = 21_600;
    (!(LEAST..=MOST).contains(&expires_in))
        .then(|| format!("the access token lives {expires_in} seconds, not {LEAST} to {MOST}"))
}

/// The requests a second that a tenant may send, and an endpoint has to take (`wire.md 1.6`, W-034).
pub const REQUESTS_PER_SECOND: u32 = 25;

/// Whether so many requests in that time are as many a second as are asked for.
pub fn is_fast_enough(requests: u32, took: Duration) -> bool {
    f64::from(REQUESTS_PER_SECOND) * took.as_secs_f64() <= f64::from(requests)
}

fn names(schemas: Option<&Value>, urn: &str) -> bool {
    let listed = schemas.and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(Value::as_str).any(|known| known.eq_ignore_ascii_case(urn))
}

/// Sentences as one text; a word where there are none.
pub fn joined(sentences: &[String]) -> String {
    if sentences.is_empty() { "as it should be".to_owned() } else { sentences.join("; ") }
}
