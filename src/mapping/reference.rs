//! References: manager and members, written in a pass of their own once both ends have ids (`wire.md 4.7`, `6`).

use serde_json::{Value, json};

use super::difference::Verb;
use super::patch::{entry, envelope};
use super::rule::FlowType;
use crate::directory::object::ObjectKind;
use crate::scim::path::TargetPath;
use crate::scim::query::resource_path;
use crate::scim::style::{Dialect, ManagerRemoveStyle, ManagerStyle, Style};

/// A mapping whose target is a Reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceMapping<'m> {
    /// Place of the mapping in [`ObjectMapping::attributes`](super::ObjectMapping::attributes).
    pub mapping_index: usize,
    /// The source attribute: `manager`, `members`.
    pub source_attribute: &'m str,
    /// The target attribute.
    pub path: &'m TargetPath,
    /// Whether it holds several references, as members do.
    pub multivalued: bool,
    /// When it flows.
    pub flow_type: FlowType,
    /// The types of objects it may point to, as the target attribute's definition says; none for any.
    pub referenced_objects: &'m [String],
}

impl ReferenceMapping<'_> {
    /// Whether a reference to an object of that kind is resolved (`mapping.md 3`).
    pub fn points_to(&self, kind: ObjectKind) -> bool {
        self.referenced_objects.is_empty() || self.referenced_objects.iter().any(|name| name == kind.as_str())
    }
}

/// A manager as it is and as it should be; ids are the target's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManagerChange<'c> {
    /// The reference attribute.
    pub path: &'c TargetPath,
    /// Whom the target returned as manager.
    pub present: Option<&'c str>,
    /// Who is to be manager; `None` when the source has none.
    pub wanted: Option<&'c str>,
    /// The tenant URL without a slash at its end; only [`ManagerStyle::Array`] writes it.
    pub base_url: &'c str,
}

/// The request that sets or removes a manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagerOperation {
    /// What it does, for the log: removal is [`Verb::Remove`] whatever its form.
    pub verb: Verb,
    /// The PATCH body.
    pub body: Value,
}

/// The request that makes a manager what it should be (`wire.md 4.7`); `None` when nothing has to be sent: equal, or
/// lost at the source while the target returned none.
pub fn manager_operation(change: &ManagerChange<'_>, style: &Style) -> Option<ManagerOperation> {
    let (verb, operation) = match (change.present, change.wanted) {
        (None, None) => return None,
        (Some(present), Some(wanted)) if present == wanted => return None,
        (None, Some(wanted)) => (Verb::Add, set_manager(change, Verb::Add, wanted, style)),
        (Some(_), Some(wanted)) => (Verb::Replace, set_manager(change, Verb::Replace, wanted, style)),
        (Some(present), None) => (Verb::Remove, remove_manager(change, present, style)),
    };
    Some(ManagerOperation { verb, body: envelope(&[operation], style) })
}

fn set_manager(change: &ManagerChange<'_>, verb: Verb, wanted: &str, style: &Style) -> Value {
    let op = verb.as_str(style.dialect);
    let path = change.path.wire_text(style.dialect);
    match (style.manager_style, style.dialect) {
        (ManagerStyle::String, Dialect::Legacy2018) => {
            json!({"op": op, "path": path, "value": [entry(wanted, style)]})
        }
        (ManagerStyle::String, Dialect::Default | Dialect::Optscim) => {
            json!({"op": op, "path": path, "value": wanted})
        }
        (ManagerStyle::Object, _) => json!({"op": op, "path": path, "value": {"value": wanted}}),
        (ManagerStyle::Array, _) => {
            let url = format!("{}/{}", change.base_url, resource_path(ObjectKind::User, wanted));
            let path = change.path.attribute();
            json!({"op": op, "path": path, "value": [{"$ref": url, "value": wanted}]})
        }
    }
}

fn remove_manager(change: &ManagerChange<'_>, present: &str, style: &Style) -> Value {
    let path = change.path.wire_text(style.dialect);
    let remove = Verb::Remove.as_str(style.dialect);
    let replace = Verb::Replace.as_str(style.dialect);
    let form = match (style.manager_remove_style, style.dialect) {
        (ManagerRemoveStyle::Dialect, Dialect::Optscim) => ManagerRemoveStyle::Filter,
        (ManagerRemoveStyle::Dialect, Dialect::Default | Dialect::Legacy2018) => ManagerRemoveStyle::Value,
        (chosen, _) => chosen,
    };
    match form {
        ManagerRemoveStyle::Dialect | ManagerRemoveStyle::Value => match style.dialect {
            Dialect::Legacy2018 => json!({"op": remove, "path": path, "value": [entry(present, style)]}),
            Dialect::Default | Dialect::Optscim => json!({"op": remove, "path": path, "value": present}),
        },
        ManagerRemoveStyle::Filter => json!({"op": remove, "path": filtered(&path, present)}),
        ManagerRemoveStyle::FilterWithoutUrn => {
            json!({"op": remove, "path": filtered(change.path.attribute(), present)})
        }
        ManagerRemoveStyle::PathOnly => json!({"op": remove, "path": path}),
        ManagerRemoveStyle::EmptyString => json!({"op": replace, "path": path, "value": ""}),
        ManagerRemoveStyle::EmptyObject => json!({"op": replace, "path": path, "value": {"value": ""}}),
    }
}

/// `path[value eq "id"]`, the id written as a JSON text (RFC 7644 §3.4.2.2).
fn filtered(path: &str, id: &str) -> String {
    format!("{path}[value eq {}]", Value::from(id))
}

/// One PATCH of members and what it carries, so that an answer can be told to each member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberBatch {
    /// The PATCH body.
    pub body: Value,
    /// Target ids it adds.
    pub added: Vec<String>,
    /// Target ids it removes.
    pub removed: Vec<String>,
}

/// The requests that add and remove members, adds first (`wire.md 6.4 to 6.6`). Each carries at most
/// `member_batch` members, added and removed together; none when there is nothing to do.
pub fn member_batches(
    path: &TargetPath,
    add: &[String],
    remove: &[String],
    style: &Style,
) -> Vec<MemberBatch> {
    let adds = add.iter().map(|id| (Verb::Add, id));
    let removes = remove.iter().map(|id| (Verb::Remove, id));
    let changes: Vec<_> = adds.chain(removes).collect();
    changes.chunks(style.member_batch.max(1)).map(|chunk| member_batch(path, chunk, style)).collect()
}

fn member_batch(path: &TargetPath, changes: &[(Verb, &String)], style: &Style) -> MemberBatch {
    let of_verb = |verb| -> Vec<String> {
        changes.iter().filter(|(change, _)| *change == verb).map(|(_, id)| (*id).clone()).collect()
    };
    let (added, removed) = (of_verb(Verb::Add), of_verb(Verb::Remove));
    let path = path.wire_text(style.dialect);
    let with_list = |verb: Verb, ids: &[String]| {
        let members: Vec<Value> = ids.iter().map(|id| entry(id.as_str(), style)).collect();
        json!({"op": verb.as_str(style.dialect), "path": path, "value": members})
    };
    let mut operations = Vec::new();
    if !added.is_empty() {
        operations.push(with_list(Verb::Add, &added));
    }
    match style.dialect {
        Dialect::Optscim => {
            let op = Verb::Remove.as_str(style.dialect);
            operations.extend(removed.iter().map(|id| json!({"op": op, "path": filtered(&path, id)})));
        }
        Dialect::Default | Dialect::Legacy2018 if !removed.is_empty() => {
            operations.push(with_list(Verb::Remove, &removed));
        }
        Dialect::Default | Dialect::Legacy2018 => {}
    }
    MemberBatch { body: envelope(&operations, style), added, removed }
}
