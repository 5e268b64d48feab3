//! What is known of an object before anything is done about it: its attributes, its scope, its link, and what the
//! mappings make of it. Cycles and [`inspect`](crate::engine::inspect) take it from here alike.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::engine::context::EngineError;
use crate::engine::decide::{Decision, DecisionRules, Facts, Managed, decide};
use crate::engine::ids;
use crate::engine::spec::JobSpec;
use crate::expression::{AttributeValue, Environment, Random};
use crate::mapping::{Evaluated, MappingError, Taken, shorten_guest_upn};
use crate::scope::filter::FilterResult;
use crate::scope::{Entitlement, Route, ScopeMode, Standing, Verdict};
use crate::store::{Link, ObjectState, Store, StoredObject, WorkItem};

/// The computed attribute that holds a user's app roles (`mapping.md 5`).
const ROLES: &str = "appRoleAssignments";

/// Everything about an object that scope and mapping need.
#[derive(Debug)]
pub(in crate::engine) struct Loaded {
    pub(in crate::engine) object: StoredObject,
    pub(in crate::engine) verdict: Verdict,
    pub(in crate::engine) link: Option<Link>,
}

/// Reads an object, its scope and its link; `None` when the directory never had it. Assignments made after `seen_until`
/// count as not made.
pub(in crate::engine) fn load(
    spec: &JobSpec,
    store: &Store,
    (kind, id): (ObjectKind, &str),
    seen_until: Option<Timestamp>,
) -> Result<Option<Loaded>, EngineError> {
    let Some(object) = store.object(kind, id)? else { return Ok(None) };
    let standing = match object.state {
        ObjectState::Gone(_) => Standing::HardDeleted,
        ObjectState::Recycled(_) => Standing::SoftDeleted,
        ObjectState::Active if object.text("accountEnabled") == Some("False") => Standing::Disabled,
        ObjectState::Active => Standing::Active,
    };
    let (routes, broken): (Vec<Route>, Vec<Route>) = store
        .assignments(&spec.name, kind, id, seen_until)?
        .into_iter()
        .map(|(role, group)| Route { role, group })
        .partition(|route| !spec.roles_off.contains(&route.role));
    let entitlement = match spec.scope {
        ScopeMode::All => Entitlement::SyncAll,
        ScopeMode::Assigned if !routes.is_empty() => Entitlement::Assigned(routes),
        ScopeMode::Assigned if !broken.is_empty() => Entitlement::Broken(broken),
        ScopeMode::Assigned => Entitlement::NotAssigned,
    };
    let link = store.link(&spec.name, kind, id)?;
    let filter = match &spec.mapping(kind).scope {
        filter if filter.is_empty() => FilterResult::unfiltered(),
        filter => filter.evaluate(&own_view(&object)),
    };
    Ok(Some(Loaded { verdict: Verdict { kind, standing, entitlement, filter }, object, link }))
}

/// The attributes that do not depend on scope, which is what filters see: those of the row, its id, and the guest's
/// two names (`mapping.md 5.5`).
fn own_view(object: &StoredObject) -> BTreeMap<String, AttributeValue> {
    let mut view = object.attributes.clone();
    let mut set = |name: &str, text: String| view.insert(name.to_owned(), AttributeValue::Text(text));
    set("objectId", object.id.clone());
    if let Some(upn) = object.text("userPrincipalName") {
        set("userPrincipalName", shorten_guest_upn(upn).into_owned());
        if object.text("originalUserPrincipalName").is_none() {
            set("originalUserPrincipalName", upn.to_owned());
        }
    }
    view
}

/// The attributes as mappings see them: those of the row, and the computed ones (`mapping.md 5`).
pub(in crate::engine) fn source_view(
    spec: &JobSpec,
    object: &StoredObject,
    verdict: &Verdict,
) -> BTreeMap<String, AttributeValue> {
    let mut view = own_view(object);
    let soft_deleted = if verdict.is_soft_deleted() { "True" } else { "False" };
    view.insert("IsSoftDeleted".to_owned(), AttributeValue::Text(soft_deleted.to_owned()));
    if let Entitlement::Assigned(routes) = &verdict.entitlement {
        let mut roles: Vec<_> =
            routes.iter().filter_map(|route| spec.roles.get(&route.role).cloned()).collect();
        roles.sort();
        roles.dedup();
        if !roles.is_empty() {
            view.insert(ROLES.to_owned(), AttributeValue::Roles(roles));
        }
    }
    view
}

/// What is to be done about an object. `full`: it is one of an initial cycle, which says nothing about objects that it
/// leaves alone.
pub(in crate::engine) fn decision(
    spec: &JobSpec,
    loaded: &Loaded,
    touched: bool,
    has_matching_value: bool,
    full: bool,
) -> Decision {
    let managed = |link: &Link| if link.managed { Managed::Managed } else { Managed::Unmanaged };
    decide(&Facts {
        verdict: &loaded.verdict,
        link: loaded.link.as_ref().map(managed),
        has_matching_value,
        touched,
        full,
        rules: rules(spec, loaded.object.kind),
    })
}

/// The rules that decisions about a kind follow.
fn rules(spec: &JobSpec, kind: ObjectKind) -> DecisionRules {
    let (mapping, rules) = (spec.mapping(kind), &spec.rules);
    DecisionRules {
        create: mapping.create,
        update: mapping.update,
        delete: mapping.delete,
        soft_delete_mapped: mapping.source_attributes().contains("IsSoftDeleted"),
        soft_delete_supported: rules.soft_delete_supported,
        delete_when_unmapped: rules.delete_when_unmapped,
        skip_out_of_scope: rules.skip_out_of_scope,
        covers_soft_delete: rules.covers_soft_delete,
        keeps_groups: rules.keeps_groups,
    }
}

/// Whether an object is to be evaluated: its row or membership changed, or it is in escrow, or its assignment may have
/// changed and a mapping reads the roles that come with it. Otherwise only its scope is looked at.
pub(in crate::engine) fn is_touched(spec: &JobSpec, item: &WorkItem) -> bool {
    let reads_roles = || spec.mapping(item.kind).source_attributes().contains(ROLES);
    item.changed || item.escrow || (item.entitlement && reads_roles())
}

/// What the mappings make of an object in a cycle; `view` is its [`source_view`], `taken` what the target was found to
/// hold of unique values.
pub(in crate::engine) fn evaluate(
    spec: &JobSpec,
    object: &StoredObject,
    view: &BTreeMap<String, AttributeValue>,
    taken: &Taken,
    cycle: i64,
    now: Timestamp,
) -> Result<Evaluated, MappingError> {
    let stream = ids::stream(spec.seed, &[&spec.name, &cycle.to_string(), object.kind.as_str(), &object.id]);
    let mut environment = Environment::new(now, Random::seeded(stream), &spec.expressions);
    spec.mapping(object.kind).evaluate(view, &mut environment, &spec.style, taken)
}
