//! What the app should hold of somebody: the oracle's own reading of scope and mappings (`engine.md 3` and 4).

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Filtered, Flow, Key, Kind, Object, Rule, Settings, Source, State, World};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::expression::{AttributeValue, Environment, Outcome, Random};

/// What yields another value each time, or one that depends on what the app held.
const NOT_REPEATABLE: [&str; 6] = [
    "AppRoleAssignmentsComplex",
    "AssertiveAppRoleAssignmentsComplex",
    "Guid",
    "Now",
    "RandomString",
    "SelectUniqueValue",
];

/// `type` of a role that is mapped by parts (`mapping.md 2.2`).
const ROLE_TYPE: &str = "WindowsAzureActiveDirectoryRole";

/// What there should be of an object in the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// An account with all that is mapped.
    Whole,
    /// An account that its owner has no use of; nothing else about it counts.
    Disabled,
    /// No account.
    Absent,
    /// Nobody's business.
    Free,
}

impl Settings {
    pub(super) fn kind(&self, kind: ObjectKind) -> &Kind {
        match kind {
            ObjectKind::User => &self.users,
            ObjectKind::Group => &self.groups,
        }
    }
}

impl Kind {
    /// The mappings that read `IsSoftDeleted`.
    pub(super) fn reads_soft_deleted(&self) -> bool {
        self.rules.iter().any(Rule::reads_soft_deleted)
    }
}

impl Rule {
    pub(super) fn reads_soft_deleted(&self) -> bool {
        match &self.source {
            Source::Direct(name) => name == "IsSoftDeleted",
            Source::Expression(expression) => expression.attributes().contains(&"IsSoftDeleted"),
            Source::Constant(_) | Source::None => false,
        }
    }

    /// Whether two lists of values are the same for this attribute.
    pub(super) fn is_same(&self, wanted: &[String], held: &[String]) -> bool {
        let same = |a: &String, b: &String| {
            a == b
                || (!self.exact && a.to_lowercase() == b.to_lowercase())
                || is_truth(a) && a.eq_ignore_ascii_case(b)
        };
        // What others have put into a list is theirs.
        wanted.iter().all(|wanted| held.iter().any(|held| same(wanted, held)))
            && (self.multivalued || held.len() <= 1 || wanted.len() == held.len())
    }
}

fn is_truth(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// The rules, with the app roles of everybody worked out once.
pub(super) struct Scope<'q> {
    settings: &'q Settings,
    /// By objectId.
    roles: BTreeMap<&'q str, BTreeSet<&'q str>>,
}

impl<'q> Scope<'q> {
    /// Who is assigned by which roles: directly, or through a group that may assign (`engine.md 3.2`).
    pub(super) fn new(settings: &'q Settings, world: &'q World) -> Self {
        let mut roles: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (principal, assigned) in &world.assignments {
            let assigned = || assigned.iter().map(String::as_str);
            match world.objects.get(&(ObjectKind::Group, principal.clone())) {
                None => roles.entry(principal).or_default().extend(assigned()),
                Some(group) if may_assign(group) => {
                    roles.entry(principal).or_default().extend(assigned());
                    for member in world.members.get(principal).into_iter().flatten() {
                        if world.objects.contains_key(&(ObjectKind::User, member.clone())) {
                            roles.entry(member).or_default().extend(assigned());
                        }
                    }
                }
                Some(_) => {}
            }
        }
        Self { settings, roles }
    }

    fn roles(&self, key: &Key) -> impl Iterator<Item = &'q str> {
        self.roles.get(key.1.as_str()).into_iter().flatten().copied()
    }

    /// Whether an object is in scope.
    pub(super) fn holds(&self, key: &Key, object: &Object) -> bool {
        let assigned = || self.roles(key).any(|role| !self.settings.roles_off.contains(role));
        object.state != State::Gone
            && object.filtered == Filtered::Passes
            && (self.settings.everybody || assigned())
    }
}

/// Whether an assignment of the group assigns its members, and the group itself.
fn may_assign(group: &Object) -> bool {
    group.state == State::Active && group.text("securityEnabled") != Some("False")
}

/// Whether its owner may use it.
pub(super) fn is_live(object: &Object) -> bool {
    object.state == State::Active && object.text("accountEnabled") != Some("False")
}

/// What there should be of an object.
pub(super) fn standing(key: &Key, object: &Object, scope: &Scope<'_>) -> Standing {
    let settings = scope.settings;
    let kind = settings.kind(key.0);
    if !kind.enabled || object.filtered == Filtered::Ignored {
        return Standing::Free;
    }
    let without_account = || if object.link.is_some() { Standing::Absent } else { Standing::Free };
    let disables = settings.can_disable && (kind.reads_soft_deleted() || !settings.deletes_unmapped);
    let in_scope = scope.holds(key, object);
    match (key.0, object.state) {
        (ObjectKind::Group, State::Active) if in_scope => Standing::Whole,
        (ObjectKind::User, State::Gone) | (ObjectKind::Group, _) => without_account(),
        (ObjectKind::User, State::Active) if in_scope && is_live(object) => Standing::Whole,
        (ObjectKind::User, State::Active | State::Recycled) if object.link.is_none() => Standing::Free,
        (ObjectKind::User, State::Active | State::Recycled) if !disables => Standing::Absent,
        (ObjectKind::User, State::Active | State::Recycled) if in_scope => Standing::Whole,
        (ObjectKind::User, State::Active | State::Recycled) => Standing::Disabled,
    }
}

/// The attributes that mappings see.
fn view(key: &Key, object: &Object, scope: &Scope<'_>) -> BTreeMap<String, AttributeValue> {
    let mut view = object.attributes.clone();
    let mut set =
        |name: &str, text: &str| view.insert(name.to_owned(), AttributeValue::Text(text.to_owned()));
    set("objectId", &key.1);
    if let Some(name) = object.text("userPrincipalName") {
        if object.text("originalUserPrincipalName").is_none() {
            set("originalUserPrincipalName", name);
        }
        // A guest is known by the address at home (`mapping.md 5.5`).
        if let Some(mark) = name.to_ascii_uppercase().find("#EXT#@")
            && let Some((alias, domain)) = name.get(..mark).and_then(|home| home.rsplit_once('_'))
            && !alias.is_empty()
            && !domain.is_empty()
        {
            set("userPrincipalName", &format!("{alias}@{domain}"));
        }
    }
    let gone = !is_live(object) || !scope.holds(key, object);
    set("IsSoftDeleted", if gone { "True" } else { "False" });
    let settings = scope.settings;
    let mut held: Vec<_> = scope.roles(key).filter_map(|role| settings.roles.get(role)).cloned().collect();
    held.sort();
    held.dedup();
    if !settings.everybody && !held.is_empty() {
        view.insert("appRoleAssignments".to_owned(), AttributeValue::Roles(held));
    }
    view
}

/// What an attribute should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// These values.
    Values(Vec<String>),
    /// This value, for the source has none.
    Default(String),
    /// Nothing.
    Empty,
    /// Nobody can say.
    Unknown,
}

/// What each attribute of an object should be, with its mapping; `None` when an expression leaves the object out.
pub(super) fn wanted<'s>(
    key: &Key,
    object: &Object,
    scope: &Scope<'s>,
    now: Timestamp,
) -> Option<Vec<(&'s Rule, Wanted)>> {
    let settings = scope.settings;
    let view = view(key, object, scope);
    let mut all = Vec::new();
    for rule in &settings.kind(key.0).rules {
        let value = match &rule.source {
            Source::None => None,
            Source::Constant(text) => Some(AttributeValue::Text(text.clone())),
            Source::Direct(name) => view.get(name).cloned(),
            Source::Expression(expression) => {
                let mut environment = Environment::new(now, Random::seeded(0), &settings.expressions);
                if expression.functions().iter().any(|function| NOT_REPEATABLE.contains(function)) {
                    all.push((rule, Wanted::Unknown));
                    continue;
                }
                match expression.evaluate(&view, &mut environment) {
                    Ok(Outcome::Value(value)) => Some(value.into_attribute_value()),
                    Ok(Outcome::Null) => None,
                    Ok(Outcome::IgnoreObject) => return None,
                    Ok(Outcome::IgnoreAttribute) | Err(_) => {
                        all.push((rule, Wanted::Unknown));
                        continue;
                    }
                }
            }
        };
        all.push((rule, fit(rule, value)));
    }
    Some(all)
}

fn fit(rule: &Rule, value: Option<AttributeValue>) -> Wanted {
    let mut texts = match value {
        None => Vec::new(),
        Some(AttributeValue::Text(text)) => vec![text],
        Some(AttributeValue::List(texts)) => texts,
        Some(AttributeValue::Roles(_)) => return Wanted::Unknown,
    };
    texts.retain(|text| !text.is_empty());
    let lower = rule.path.to_lowercase();
    let is_role_type =
        lower.starts_with("roles") && lower.rsplit_once('.').is_some_and(|(_, sub)| sub == "type");
    if is_role_type && !texts.is_empty() {
        texts = vec![ROLE_TYPE.to_owned()];
    }
    let is_whole_list = rule.multivalued && !rule.path.contains('[');
    match (texts.len(), &rule.default) {
        (0, Some(default)) if !default.is_empty() => Wanted::Default(default.clone()),
        (0, _) => Wanted::Empty,
        (2.., _) if !is_whole_list => Wanted::Unknown,
        _ => Wanted::Values(texts),
    }
}

/// Whether an object has a value to be looked up by.
pub(super) fn has_matching_value(wanted: &[(&Rule, Wanted)]) -> bool {
    let mut matching = wanted.iter().filter(|(rule, _)| rule.matching).peekable();
    matching.peek().is_none()
        || matching.any(|(_, wanted)| !matches!(wanted, Wanted::Empty | Wanted::Default(_)))
}

/// Whether a mapping flows to accounts that are there.
pub(super) fn flows_later(rule: &Rule) -> bool {
    rule.flow == Flow::Always
}
