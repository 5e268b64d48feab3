//! `demo`: the main job on embedded parts and virtual time, every request shown.

use serde_json::Value;

use super::context::Context;
use super::output::{Output, table};
use super::session::{run_failure, store_failure};
use super::{Exit, Failure};
use crate::client::{Exchange, one_line};
use crate::clock::{Clock as _, SignedDuration, VirtualClock};
use crate::config;
use crate::directory::object::ObjectKind;
use crate::engine::{CycleResult, Purpose};
use crate::expression::AttributeValue;
use crate::runner::{Job, Mode, Watch};
use crate::store::{Edit, Resolved, Store};

/// The files of the sample set-up.
const FILES: [(&str, &str); 5] = [
    ("scimulator.toml", include_str!("demo/scimulator.toml")),
    ("directory/users.csv", include_str!("demo/users.csv")),
    ("directory/groups.csv", include_str!("demo/groups.csv")),
    ("directory/members.csv", include_str!("demo/members.csv")),
    ("directory/assignments.csv", include_str!("demo/assignments.csv")),
];

/// Who leaves.
const LEAVER: &str = "ben@contoso.com";

/// When the story begins.
const BEGIN: &str = "2026-03-02T08:00:00Z";

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let output = context.output;
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Usage, "can't write the sample directory to a temporary folder").because(&error)
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    std::fs::create_dir(folder.path().join("directory")).map_err(failed)?;
    for (name, text) in FILES {
        std::fs::write(folder.path().join(name), text).map_err(failed)?;
    }
    let (config, _) = config::load(&folder.path().join("scimulator.toml"))
        .map_err(|findings| Failure::findings(Exit::Defect, findings))?;
    let job = config.jobs.first().ok_or_else(|| Failure::new(Exit::Defect, "the sample has no job"))?;
    let job = Job::new(&config, job, &|_| None).map_err(|error| run_failure(&error))?;
    let mut store = Store::open(&config.state_dir).map_err(|error| store_failure(&error))?;
    let begin = BEGIN.parse().map_err(|_| Failure::new(Exit::Defect, "the sample's date is no date"))?;
    let clock = VirtualClock::new(begin);

    output.text(
        "Five users and one group. `Engineering` is assigned to the app, and so is Dora; Eli is not.",
    )?;
    cycle(output, &job, &mut store, &clock, "Initial cycle")?;

    clock.advance(SignedDuration::from_mins(40));
    let at = clock.now();
    output.text(&format!(
        "\n{}  40 virtual minutes later: Ben leaves; his account is blocked.",
        at.strftime("%H:%M")
    ))?;
    let Resolved::One(ObjectKind::User, id) = store.resolve(LEAVER).map_err(|error| store_failure(&error))?
    else {
        return Err(Failure::new(Exit::Defect, "the leaver is not in the sample"));
    };
    let blocked = AttributeValue::Text("False".to_owned());
    let edit = Edit::Set([("accountEnabled".to_owned(), Some(blocked))].into());
    store
        .edit(ObjectKind::User, &id, &edit, at)
        .map_err(|error| Failure::new(Exit::Defect, "the sample can't be edited").because(&error))?;
    cycle(output, &job, &mut store, &clock, "Incremental cycle")?;

    output.text("\nWhat the app holds now:")?;
    let content = store.embedded_content(&job.spec().name).map_err(|error| store_failure(&error))?;
    output.text(&holdings(&content))?;
    output.note(
        "\nNext: `scimulator init my-app` writes a set-up of your own; point its `tenant_url` at your app \
         and run `scimulator cycle`.",
    );
    Ok(Exit::Fine)
}

fn cycle(
    output: Output,
    job: &Job,
    store: &mut Store,
    clock: &VirtualClock,
    title: &str,
) -> Result<CycleResult, Failure> {
    output.text(&format!("\n{}  {title}", clock.now().strftime("%H:%M")))?;
    let mut watch = Shown { output, failed: None };
    let result = job
        .cycle(store, clock, Purpose::Cycle, Mode::Real, &mut watch)
        .map_err(|error| run_failure(&error))?;
    if let Some(failure) = watch.failed {
        return Err(failure);
    }
    let actions = &result.statistics.actions;
    output.text(&format!(
        "       {}: created {}, updated {}, disabled {}, skipped {}",
        result.state.as_str(),
        actions.created,
        actions.updated,
        actions.disabled,
        actions.skipped
    ))?;
    Ok(result)
}

/// The app's resources as a table.
fn holdings(content: &[Value]) -> String {
    let text = |resource: &Value, name: &str| match resource.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let rows = content.iter().map(|resource| {
        let group = resource.get("userName").is_none();
        let members = resource.get("members").and_then(Value::as_array).map_or(0, Vec::len);
        let manager = resource
            .pointer("/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager/value")
            .and_then(Value::as_str)
            .and_then(|id| content.iter().find(|other| other.get("id").and_then(Value::as_str) == Some(id)))
            .map(|manager| text(manager, "displayName"))
            .unwrap_or_default();
        vec![
            if group { "Group" } else { "User" }.to_owned(),
            if group { String::new() } else { text(resource, "userName") },
            text(resource, "displayName"),
            text(resource, "active"),
            manager,
            if group { members.to_string() } else { String::new() },
        ]
    });
    table(&["type", "userName", "displayName", "active", "manager", "members"], rows)
}

/// Prints every request as one line.
struct Shown {
    output: Output,
    failed: Option<Failure>,
}

impl Watch for Shown {
    fn exchanged(&mut self, exchange: &Exchange) {
        if let Err(failure) = self.output.text(&format!("       {}", one_line(exchange))) {
            self.failed.get_or_insert(failure);
        }
    }
}
