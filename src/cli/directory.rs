//! `directory`: look into the tenant and change it for trying things out.

use serde_json::{Value, json};

use super::arguments::{DirectoryArguments, DirectoryCommand};
use super::context::Context;
use super::session::{look_at_directory, read_directory, state_to_look_at, store_failure};
use super::{Exit, Failure};
use crate::config::Config;
use crate::directory::generate::{Population, generate};
use crate::directory::import::ImportError;
use crate::expression::AttributeValue;
use crate::store::{ImportFault, ObjectState, Store, StoredObject, Vanished, Vanishing};

mod edit;
mod list;
mod show;

/// So many of those who vanished are named; the rest is a number.
const VANISHED_NAMED_MAX: u32 = 20;

pub(super) fn run(context: &Context, arguments: &DirectoryArguments) -> Result<Exit, Failure> {
    match &arguments.command {
        DirectoryCommand::Generate { users, seed, dir } => make_up(context, *users, *seed, dir),
        DirectoryCommand::Accept => accept(context),
        DirectoryCommand::List => list::run(context),
        DirectoryCommand::Show(arguments) => show::run(context, &arguments.object),
        DirectoryCommand::Set { object, set } => edit::set(context, object, set),
        DirectoryCommand::Disable(arguments) => edit::disable(context, &arguments.object),
        DirectoryCommand::Delete(arguments) => edit::delete(context, &arguments.object),
        DirectoryCommand::Restore(arguments) => edit::restore(context, &arguments.object),
        DirectoryCommand::Purge(arguments) => edit::purge(context, &arguments.object),
        DirectoryCommand::Assign(arguments) => edit::assign(context, arguments),
        DirectoryCommand::Unassign(arguments) => edit::unassign(context, arguments),
        DirectoryCommand::AddMember(arguments) => edit::add_member(context, arguments),
        DirectoryCommand::RemoveMember(arguments) => edit::remove_member(context, arguments),
    }
}

/// The directory of a configuration and what is known of it.
struct Tenant {
    config: Config,
    store: Store,
}

impl Tenant {
    fn open(context: &Context) -> Result<Self, Failure> {
        let config = context.config()?;
        let store = Store::open(&config.state_dir).map_err(|error| store_failure(&error))?;
        Ok(Self { config, store })
    }

    /// Opens it with the files read, and makes no state where there is none; how the command is to end.
    fn to_look_at(context: &Context) -> Result<(Self, Exit), Failure> {
        let config = context.config()?;
        let mut store = state_to_look_at(&config)?;
        let exit = look_at_directory(context, &mut store, &config)?;
        Ok((Self { config, store }, exit))
    }

    /// Opens it with the files read.
    ///
    /// Errors: the files can't be used; an edit on top of an older state would not be what the person expects.
    fn to_edit(context: &Context) -> Result<Self, Failure> {
        let mut tenant = Self::open(context)?;
        match read_directory(&mut tenant.store, &tenant.config, true) {
            Ok(_) => Ok(tenant),
            Err(error) => Err(refused(context, &error)),
        }
    }
}

fn refused(context: &Context, error: &ImportError) -> Failure {
    if let ImportError::Store(error) = error {
        return store_failure(error);
    }
    context.output.note("the files can't be used, so nothing was changed");
    Failure::findings(Exit::Usage, error.findings())
}

/// What makes a directory of any size.
fn make_up(context: &Context, users: u32, seed: u64, folder: &std::path::Path) -> Result<Exit, Failure> {
    let files = ["users.csv", "groups.csv", "members.csv", "assignments.csv"].map(|name| folder.join(name));
    if let Some(file) = files.iter().find(|file| file.exists()) {
        return Err(Failure::new(
            Exit::Usage,
            format!("nothing was written, since there is already `{}`", file.display()),
        )
        .help("name another folder"));
    }
    let population = Population::new(users, seed);
    generate(folder, population).map_err(|error| {
        Failure::new(Exit::Usage, format!("can't write `{}`", error.path.display())).because(&error.cause)
    })?;
    let written: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    if context.output.is_json() {
        context.output.json(&json!({ "users": users, "groups": population.groups(), "written": written }))?;
    } else {
        context.output.text(&written.join("\n"))?;
        context.output.note(&format!("{} users, {} groups", users, population.groups()));
    }
    Ok(Exit::Fine)
}

/// Lets an import pass that `vanish_limit` holds.
fn accept(context: &Context) -> Result<Exit, Failure> {
    let Tenant { config, mut store } = Tenant::open(context)?;
    let output = context.output;
    let failed = |error| store_failure(&error);
    let seq = store.last_seq().map_err(failed)?;
    let (held, file) = match read_directory(&mut store, &config, true) {
        Err(ImportError::Refused(ImportFault::Vanished(held))) => (held, None),
        Err(ImportError::Refused(ImportFault::FileGone { role, path, is_part: true })) => {
            (Vec::new(), Some((role, path)))
        }
        Err(error) => return Err(refused(context, &error)),
        Ok(_) if output.is_json() => {
            output.json(&json!({ "accepted": false, "held": [] }))?;
            return Ok(Exit::Fine);
        }
        Ok(_) => {
            output.text("nothing is held; there was nothing to accept")?;
            return Ok(Exit::Fine);
        }
    };
    read_directory(&mut store, &config, false).map_err(|error| refused(context, &error))?;
    let left = store.departures_after(seq, VANISHED_NAMED_MAX).map_err(failed)?;
    if output.is_json() {
        let left: Vec<Value> = left
            .iter()
            .map(
                |left| json!({ "objectType": left.kind.as_str(), "name": left.label, "purged": left.purged }),
            )
            .collect();
        let held: Vec<Value> = held
            .iter()
            .map(|it| json!({ "what": it.what.as_str(), "vanished": it.vanished, "known": it.known }))
            .chain(file.iter().map(|(role, path)| json!({ "what": "file", "role": role, "path": path })))
            .collect();
        output.json(&json!({ "accepted": true, "held": held, "first": left }))?;
        return Ok(Exit::Fine);
    }
    if let Some((role, path)) = &file {
        output.text(&format!("accepted: the {role} file `{path}` is gone, with what it held"))?;
    }
    for Vanished { what, vanished, known, .. } in &held {
        let fate = match what {
            Vanishing::Users => "are in the recycle bin now",
            Vanishing::Groups => "are deleted for good now",
            Vanishing::Memberships | Vanishing::Assignments => "are taken away now",
        };
        output.text(&format!("accepted: {vanished} of {known} {} vanished and {fate}", what.as_str()))?;
    }
    let lines: Vec<String> = left
        .iter()
        .map(|left| {
            let fate = if left.purged { "deleted for good" } else { "recycle bin" };
            format!("  {} {}: {fate}", left.kind, left.label)
        })
        .collect();
    if !lines.is_empty() {
        output.text(&lines.join("\n"))?;
    }
    if u32::try_from(left.len()).is_ok_and(|shown| shown == VANISHED_NAMED_MAX) {
        output.text("  …")?;
    }
    output.note("the next incremental cycle will see it");
    Ok(Exit::Fine)
}

/// Where an object stands, as JSON has it.
fn status(object: &StoredObject) -> &'static str {
    match object.state {
        ObjectState::Active => "active",
        ObjectState::Recycled(_) => "recycled",
        ObjectState::Gone(_) => "deleted",
    }
}

/// What `list` and `show` have in common: an object as JSON. Attribute names and values are those that mappings see.
fn to_json(object: &StoredObject) -> serde_json::Map<String, Value> {
    let deleted = match object.state {
        ObjectState::Active => None,
        ObjectState::Recycled(since) | ObjectState::Gone(since) => Some(since.to_string()),
    };
    let attributes: serde_json::Map<String, Value> =
        object.attributes.iter().map(|(name, value)| (name.clone(), value_to_json(value))).collect();
    serde_json::Map::from_iter([
        ("objectType".to_owned(), object.kind.as_str().into()),
        ("objectId".to_owned(), object.id.clone().into()),
        ("name".to_owned(), object.label.clone().into()),
        ("status".to_owned(), status(object).into()),
        ("deletedDateTime".to_owned(), deleted.into()),
        ("inFile".to_owned(), object.in_file.into()),
        ("attributes".to_owned(), attributes.into()),
    ])
}

/// An attribute's value as JSON: a text, or a list of texts.
pub(super) fn value_to_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Text(text) => text.clone().into(),
        AttributeValue::List(texts) => texts.clone().into(),
        AttributeValue::Roles(roles) => roles
            .iter()
            .map(|role| json!({ "id": role.id, "value": role.value, "displayName": role.display_name }))
            .collect(),
    }
}

/// An attribute's value on one line, lists as cells have them.
pub(super) fn value_to_text(value: &AttributeValue) -> String {
    let text = match value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::List(texts) => texts.join(";"),
        AttributeValue::Roles(roles) => {
            roles.iter().map(|role| role.display_name.as_str()).collect::<Vec<_>>().join(";")
        }
    };
    text.replace(['\n', '\r', '\t'], " ")
}

/// When an object in the recycle bin is deleted for good.
fn purge_due(object: &StoredObject, config: &Config) -> Option<crate::clock::Timestamp> {
    match object.state {
        ObjectState::Recycled(since) => Some(
            since
                .saturating_add(config.directory.soft_delete_retention)
                .unwrap_or(crate::clock::Timestamp::MAX),
        ),
        ObjectState::Active | ObjectState::Gone(_) => None,
    }
}
