//! `demo`: the main job on embedded parts and virtual time, every request shown; then a job that enters quarantine and
//! leaves it.

use serde_json::Value;

use super::context::Context;
use super::output::{Output, table};
use super::quarantine::to_text;
use super::session::{engine_failure, run_failure, store_failure};
use super::{Exit, Failure};
use crate::client::{Exchange, one_line};
use crate::clock::{Clock as _, SignedDuration, VirtualClock};
use crate::config::{self, Config};
use crate::directory::object::ObjectKind;
use crate::engine::forecast::forecast;
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

/// Who gets another title while the app refuses the job.
const MOVER: &str = "chi@contoso.com";
const NEW_TITLE: &str = "Senior Engineer";

/// What the job and the app agree on at first, and what the app accepts after it was renewed there.
const TOKEN: &str = "spring";
const RENEWED_TOKEN: &str = "summer";

/// So many attempts in quarantine are in vain.
const REFUSED_ATTEMPTS: usize = 2;

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
    let store = Store::open(&config.state_dir).map_err(|error| store_failure(&error))?;
    let begin = BEGIN.parse().map_err(|_| Failure::new(Exit::Defect, "the sample's date is no date"))?;
    let mut stage = Stage { output, config, store, clock: VirtualClock::new(begin) };
    first_act(&mut stage)?;
    second_act(&mut stage)?;
    output.note(
        "\nNext: `scimulator init my-app` writes a set-up of your own; point its `tenant_url` at your app \
         and run `scimulator cycle`.",
    );
    Ok(Exit::Fine)
}

/// A joiner's and a leaver's day.
fn first_act(stage: &mut Stage) -> Result<(), Failure> {
    let job = stage.job(TOKEN)?;
    stage.output.text(
        "Five users and one group. `Engineering` is assigned to the app, and so is Dora; Eli is not.",
    )?;
    stage.cycle(&job, "Initial cycle")?;

    stage.clock.advance(SignedDuration::from_mins(40));
    stage.says("40 virtual minutes later: Ben leaves; his account is blocked.")?;
    stage.edit(LEAVER, ("accountEnabled", "False"))?;
    stage.cycle(&job, "Incremental cycle")?;

    stage.output.text("\nWhat the app holds now:")?;
    let content = stage.content(&job)?;
    stage.output.text(&holdings(&content))
}

/// A token that is not renewed on both sides: into quarantine, and out of it.
fn second_act(stage: &mut Stage) -> Result<(), Failure> {
    let refused = stage.job(TOKEN)?.with_app_token(RENEWED_TOKEN);
    stage.clock.advance(SignedDuration::from_mins(40));
    stage.says(&format!(
        "The app's owner renews its token, and nobody tells the tenant. Chi becomes a {NEW_TITLE}."
    ))?;
    stage.edit(MOVER, ("jobTitle", NEW_TITLE))?;
    let mut next_attempt = stage.cycle(&refused, "Incremental cycle")?.next_cycle;
    for _ in 0..REFUSED_ATTEMPTS {
        stage.clock.advance_to(next_attempt);
        next_attempt = stage.cycle(&refused, "The next attempt")?.next_cycle;
    }

    stage.clock.advance(SignedDuration::from_mins(40));
    stage.says("Somebody wonders what is wrong, and asks `scimulator quarantine`:")?;
    let forecast = forecast(refused.spec(), &stage.store).map_err(|error| engine_failure(&error))?;
    stage.output.text(&to_text(&refused.spec().name, &forecast, stage.clock.now()))?;

    stage.says("The tenant gets the new token; the next attempt will find out. (`scimulator start` would make it due now.)")?;
    let mended = stage.job(RENEWED_TOKEN)?;
    stage.clock.advance_to(next_attempt);
    let result = stage.cycle(&mended, "The next attempt")?;
    stage.output.text(&format!(
        "       Out of quarantine: one good attempt is enough, and Chi's change was not lost. The next cycle is due at {}.",
        result.next_cycle.strftime("%H:%M")
    ))
}

/// What the story is played with.
struct Stage {
    output: Output,
    config: Config,
    store: Store,
    clock: VirtualClock,
}

impl Stage {
    /// The job with the token that is saved in the tenant; the app accepts the same.
    fn job(&self, token: &str) -> Result<Job, Failure> {
        let job =
            self.config.jobs.first().ok_or_else(|| Failure::new(Exit::Defect, "the sample has no job"))?;
        Job::new(&self.config, job, &|_| Some(token.to_owned())).map_err(|error| run_failure(&error))
    }

    fn says(&self, what: &str) -> Result<(), Failure> {
        self.output.text(&format!("\n{}  {what}", self.clock.now().strftime("%H:%M")))
    }

    fn edit(&mut self, user: &str, (attribute, value): (&str, &str)) -> Result<(), Failure> {
        let resolved = self.store.resolve(user).map_err(|error| store_failure(&error))?;
        let Resolved::One(ObjectKind::User, id) = resolved else {
            return Err(Failure::new(Exit::Defect, format!("`{user}` is not in the sample")));
        };
        let value = AttributeValue::Text(value.to_owned());
        let edit = Edit::Set([(attribute.to_owned(), Some(value))].into());
        self.store
            .edit(ObjectKind::User, &id, &edit, self.clock.now())
            .map_err(|error| Failure::new(Exit::Defect, "the sample can't be edited").because(&error))?;
        Ok(())
    }

    fn content(&self, job: &Job) -> Result<Vec<Value>, Failure> {
        self.store.embedded_content(&job.spec().name).map_err(|error| store_failure(&error))
    }

    fn cycle(&mut self, job: &Job, title: &str) -> Result<CycleResult, Failure> {
        self.says(title)?;
        let mut watch = Shown { output: self.output, failed: None };
        let result = job
            .cycle(&mut self.store, &self.clock, Purpose::Cycle, Mode::Real, &mut watch)
            .map_err(|error| run_failure(&error))?;
        if let Some(failure) = watch.failed {
            return Err(failure);
        }
        self.output.text(&format!("       {}", outcome(&result)))?;
        Ok(result)
    }
}

/// How a cycle ended, in a line or two.
fn outcome(result: &CycleResult) -> String {
    let actions = &result.statistics.actions;
    let state = result.state.as_str();
    match &result.quarantine {
        None => format!(
            "{state}: created {}, updated {}, disabled {}, skipped {}",
            actions.created, actions.updated, actions.disabled, actions.skipped
        ),
        Some(quarantine) => format!(
            "{state}: in quarantine ({}). Nothing further was sent.\n       Next attempt in {} minutes, at {}.",
            quarantine.reason.as_str(),
            quarantine.next_attempt.duration_since(quarantine.current_began).as_mins(),
            quarantine.next_attempt.strftime("%H:%M")
        ),
    }
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
