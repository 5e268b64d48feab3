//! Edits by command: what a person would do in the admin center. They go into the change log, so cycles see them as
//! they see a changed file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::arguments::{Assignment, AssignmentArguments, MemberArguments};
use super::super::context::Context;
use super::super::output::warn;
use super::super::session::{find, now, store_failure};
use super::super::{Exit, Failure};
use super::{Tenant, purge_due, value_to_json, value_to_text};
use crate::diagnostic::did_you_mean;
use crate::directory::object::ObjectKind;
use crate::directory::read::written;
use crate::expression::AttributeValue;
use crate::store::{Edit, EditError, ObjectState, StoredObject};

/// What came of an edit.
struct Done {
    object: StoredObject,
    edit: &'static str,
    /// Sentences; none when nothing changed.
    changes: Vec<String>,
    /// Why nothing changed.
    already: String,
    details: Value,
}

impl Done {
    fn tell(self, context: &Context, note: &str) -> Result<Exit, Failure> {
        let changed = !self.changes.is_empty();
        if context.output.is_json() {
            context.output.json(&json!({
                "edit": self.edit,
                "objectType": self.object.kind.as_str(),
                "objectId": self.object.id,
                "name": self.object.label,
                "changed": changed,
                "details": self.details,
            }))?;
        } else if changed {
            context.output.text(&self.changes.join("\n"))?;
        } else {
            context.output.text(&self.already)?;
        }
        if changed {
            context.output.note(note);
        }
        Ok(Exit::Fine)
    }
}

/// An edit of a row.
const SEEN_ROW: &str =
    "the next incremental cycle will see it; it stands until the object's row changes in the file";
/// An edit of a membership or assignment.
const SEEN_EDGE: &str = "the next incremental cycle will see it";

pub(super) fn set(context: &Context, name: &str, assignments: &[Assignment]) -> Result<Exit, Failure> {
    let mut tenant = Tenant::to_edit(context)?;
    let object = find(&tenant.store, name, None)?;
    let wanted = attributes(&tenant, &object, assignments)?;
    apply(context, &mut tenant, object, "set", wanted)
}

pub(super) fn disable(context: &Context, name: &str) -> Result<Exit, Failure> {
    let mut tenant = Tenant::to_edit(context)?;
    let object = find(&tenant.store, name, None)?;
    if object.kind == ObjectKind::Group {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` is a group, and only users can be disabled", object.label),
        ));
    }
    let wanted =
        BTreeMap::from([("accountEnabled".to_owned(), Some(AttributeValue::Text("False".to_owned())))]);
    apply(context, &mut tenant, object, "disable", wanted)
}

/// The attributes as rows hold them, read by the rules of the files.
fn attributes(
    tenant: &Tenant,
    object: &StoredObject,
    assignments: &[Assignment],
) -> Result<BTreeMap<String, Option<AttributeValue>>, Failure> {
    let mut texts: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for Assignment { name, value } in assignments {
        let (_, values) = texts.entry(name.to_lowercase()).or_insert_with(|| (name.clone(), Vec::new()));
        values.push(value.clone());
    }
    let mut wanted = BTreeMap::new();
    for (name, values) in texts.into_values() {
        let attribute = written(&name, values, &tenant.config.directory.multi_valued).map_err(|error| {
            let failure = Failure::new(Exit::Usage, error.message);
            match error.help {
                Some(help) => failure.help(help),
                None => failure,
            }
        })?;
        let is_new = !object.attributes.contains_key(&attribute.name);
        if let Some(near) = attribute.near.filter(|_| is_new) {
            warn(&format!(
                "warning: `{}` is kept as a custom attribute\n  help: did you mean `{near}`?",
                attribute.name
            ));
        }
        if let (ObjectKind::User, "manager", Some(AttributeValue::Text(manager))) =
            (object.kind, attribute.name.as_str(), &attribute.value)
            && tenant.store.resolve_manager(manager).map_err(|error| store_failure(&error))?.is_none()
        {
            warn(&format!("warning: no user is called `{manager}`; the manager counts as absent"));
        }
        let required = match object.kind {
            ObjectKind::User => "userPrincipalName",
            ObjectKind::Group => "displayName",
        };
        if attribute.name == required && attribute.value.is_none() {
            let message = format!("a {} can't be without `{required}`", object.kind.as_str().to_lowercase());
            return Err(Failure::new(Exit::Usage, message));
        }
        if wanted.insert(attribute.name.clone(), attribute.value).is_some() {
            return Err(Failure::new(
                Exit::Usage,
                format!("`{name}` is another name of `{}`", attribute.name),
            )
            .help("name each attribute in one way"));
        }
    }
    Ok(wanted)
}

/// Makes the edit of a row, if it changes anything.
fn apply(
    context: &Context,
    tenant: &mut Tenant,
    object: StoredObject,
    edit: &'static str,
    wanted: BTreeMap<String, Option<AttributeValue>>,
) -> Result<Exit, Failure> {
    let changed: BTreeMap<_, _> =
        wanted.into_iter().filter(|(name, value)| object.attributes.get(name) != value.as_ref()).collect();
    let shown = |value: Option<&AttributeValue>| {
        value.map_or_else(|| "nothing".to_owned(), |value| format!("`{}`", value_to_text(value)))
    };
    let changes = changed
        .iter()
        .map(|(name, value)| {
            let before = shown(object.attributes.get(name));
            format!("{}: {name} was {before} and is {} now", object.label, shown(value.as_ref()))
        })
        .collect();
    let details = changed
        .iter()
        .map(|(name, value)| {
            let before = object.attributes.get(name).map(value_to_json);
            (name.clone(), json!({ "old": before, "new": value.as_ref().map(value_to_json) }))
        })
        .collect::<serde_json::Map<_, _>>();
    if !changed.is_empty() {
        make(tenant, &object, &Edit::Set(changed))?;
    }
    let already = format!("{}: nothing changed; it is so already", object.label);
    Done { object, edit, changes, already, details: details.into() }.tell(context, SEEN_ROW)
}

fn make(tenant: &mut Tenant, object: &StoredObject, edit: &Edit) -> Result<(), Failure> {
    tenant.store.edit(object.kind, &object.id, edit, now(&tenant.store)).map_err(|error| match &error {
        EditError::Store(error) => store_failure(error),
        EditError::State { .. } => Failure::new(Exit::Usage, error.to_string()),
        EditError::NameTaken(_) => {
            Failure::new(Exit::Usage, error.to_string()).help("two users never have one userPrincipalName")
        }
    })
}

pub(super) fn delete(context: &Context, name: &str) -> Result<Exit, Failure> {
    move_to(context, name, "delete", &Edit::Delete)
}

pub(super) fn restore(context: &Context, name: &str) -> Result<Exit, Failure> {
    move_to(context, name, "restore", &Edit::Restore)
}

pub(super) fn purge(context: &Context, name: &str) -> Result<Exit, Failure> {
    move_to(context, name, "purge", &Edit::Purge)
}

/// Moves an object through its life.
fn move_to(context: &Context, name: &str, word: &'static str, edit: &Edit) -> Result<Exit, Failure> {
    let mut tenant = Tenant::to_edit(context)?;
    let object = find(&tenant.store, name, None)?;
    make(&mut tenant, &object, edit)?;
    let object = tenant
        .store
        .object(object.kind, &object.id)
        .map_err(|error| store_failure(&error))?
        .unwrap_or(object);
    let label = &object.label;
    let sentence = match (object.state, purge_due(&object, &tenant.config)) {
        (ObjectState::Active, _) => format!("{label} is in the directory again"),
        (ObjectState::Recycled(_), Some(due)) => format!("{label} is in the recycle bin until {due}"),
        (ObjectState::Recycled(_), None) => format!("{label} is in the recycle bin"),
        (ObjectState::Gone(_), _) => format!("{label} is deleted for good"),
    };
    let details = json!({
        "status": super::status(&object),
        "purgeDateTime": purge_due(&object, &tenant.config).map(|due| due.to_string()),
    });
    let changes = vec![sentence];
    Done { object, edit: word, changes, already: String::new(), details }.tell(context, SEEN_ROW)
}

pub(super) fn add_member(context: &Context, arguments: &MemberArguments) -> Result<Exit, Failure> {
    edit_member(context, arguments, true)
}

pub(super) fn remove_member(context: &Context, arguments: &MemberArguments) -> Result<Exit, Failure> {
    edit_member(context, arguments, false)
}

fn edit_member(context: &Context, arguments: &MemberArguments, present: bool) -> Result<Exit, Failure> {
    let mut tenant = Tenant::to_edit(context)?;
    let group = find(&tenant.store, &arguments.group, Some(ObjectKind::Group))?;
    let member = find(&tenant.store, &arguments.member, None)?;
    if present {
        for object in [&group, &member] {
            must_be_active(object)?;
        }
        if group.id == member.id {
            return Err(Failure::new(Exit::Usage, "a group can't be a member of itself"));
        }
    }
    let changed = tenant
        .store
        .edit_membership(&group.id, &member.id, present, now(&tenant.store))
        .map_err(|error| store_failure(&error))?;
    let (edit, now_so, already) = if present {
        ("add-member", "is a member of", "is a member of")
    } else {
        ("remove-member", "is no longer a member of", "is not a member of")
    };
    let changes =
        if changed { vec![format!("{} {now_so} {}", member.label, group.label)] } else { Vec::new() };
    let already = format!("nothing changed: {} {already} {}", member.label, group.label);
    let details = json!({ "member": {
        "objectType": member.kind.as_str(), "objectId": member.id, "name": member.label } });
    Done { object: group, edit, changes, already, details }.tell(context, SEEN_EDGE)
}

fn must_be_active(object: &StoredObject) -> Result<(), Failure> {
    let why = match object.state {
        ObjectState::Active => return Ok(()),
        ObjectState::Recycled(_) => "is in the recycle bin",
        ObjectState::Gone(_) => "is deleted for good",
    };
    Err(Failure::new(Exit::Usage, format!("`{}` {why}", object.label)))
}

pub(super) fn assign(context: &Context, arguments: &AssignmentArguments) -> Result<Exit, Failure> {
    edit_assignment(context, arguments, true)
}

pub(super) fn unassign(context: &Context, arguments: &AssignmentArguments) -> Result<Exit, Failure> {
    edit_assignment(context, arguments, false)
}

fn edit_assignment(
    context: &Context,
    arguments: &AssignmentArguments,
    present: bool,
) -> Result<Exit, Failure> {
    let mut tenant = Tenant::to_edit(context)?;
    // Says so when there is no such job.
    context.jobs(&tenant.config)?;
    let job = context.job_named().unwrap_or_default();
    let principal = find(&tenant.store, &arguments.principal, None)?;
    if present {
        must_be_active(&principal)?;
        known_role(&tenant, arguments.role.as_deref())?;
    } else {
        not_for_others(&tenant, &principal, job, arguments.role.as_deref())?;
    }
    if present && principal.kind == ObjectKind::Group && principal.text("securityEnabled") == Some("False") {
        warn(&format!(
            "warning: `{}` is not security-enabled, so its assignment assigns nobody",
            principal.label
        ));
    }
    let role = arguments.role.as_deref();
    let changed = tenant
        .store
        .edit_assignment(job, (principal.kind, &principal.id), role, present, now(&tenant.store))
        .map_err(|error| store_failure(&error))?;
    let place = if job.is_empty() { "the application".to_owned() } else { format!("job `{job}`") };
    let as_role = role.map(|role| format!(" as `{role}`")).unwrap_or_default();
    let (edit, now_so, already) = if present {
        ("assign", "is assigned to", "is assigned to")
    } else {
        ("unassign", "is no longer assigned to", "is not assigned to")
    };
    let changes =
        if changed { vec![format!("{} {now_so} {place}{as_role}", principal.label)] } else { Vec::new() };
    let already = format!("nothing changed: {} {already} {place}{as_role} itself", principal.label);
    let details = json!({ "job": (!job.is_empty()).then_some(job), "appRole": role });
    Done { object: principal, edit, changes, already, details }.tell(context, SEEN_EDGE)
}

fn known_role(tenant: &Tenant, role: Option<&str>) -> Result<(), Failure> {
    let Some(role) = role else { return Ok(()) };
    let values = || tenant.config.app_roles.iter().map(|declared| declared.role.value.as_str());
    if values().any(|value| value == role) {
        return Ok(());
    }
    let failure = Failure::new(Exit::Usage, format!("the configuration has no app role `{role}`"));
    Err(match did_you_mean(role, values()) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("roles are the `[[app_role]]` tables of the configuration"),
    })
}

/// An assignment to every job can't be taken back for one of several: that would take it from the others too.
fn not_for_others(
    tenant: &Tenant,
    principal: &StoredObject,
    job: &str,
    role: Option<&str>,
) -> Result<(), Failure> {
    if job.is_empty() || tenant.config.jobs.len() < 2 {
        return Ok(());
    }
    let standing = tenant.store.assignments_of(&principal.id).map_err(|error| store_failure(&error))?;
    let everywhere = standing
        .iter()
        .any(|row| row.present && row.job.is_empty() && role.is_none_or(|role| role == row.role));
    if everywhere {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` is assigned to every job, not to `{job}` alone", principal.label),
        )
        .help("take it back without `--job`, then assign the jobs that are to keep it"));
    }
    Ok(())
}
