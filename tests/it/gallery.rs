//! Five applications of Microsoft's gallery: their profiles, the strict embedded apps, the examples.

mod applications;
mod console;
mod guide;
mod profiles;
mod scenarios;
mod strict;

use scimulator::client::Exchange;
use scimulator::clock::{SignedDuration, VirtualClock};
use scimulator::config::{self, Config};
use scimulator::engine::{CycleResult, Purpose};
use scimulator::runner::{Job, Mode, Watch, at_app};
use scimulator::store::Store;
use scimulator::target::{App, ConsoleCommand};
use serde_json::Value;

use crate::common::Project;
use crate::sources::root;

const APPS: [&str; 5] = ["kintone", "klaxoon", "kno2fy", "knowbe4", "kpifire"];
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A copy of an example, its state, and the time.
struct Stand {
    project: Project,
    clock: VirtualClock,
}

/// One cycle and what it sent, as `METHOD /path` without ids.
struct Cycle {
    result: CycleResult,
    sent: Vec<String>,
}

impl Cycle {
    /// What wrote something.
    fn writes(&self) -> Vec<&str> {
        self.sent.iter().map(String::as_str).filter(|line| !line.starts_with("GET ")).collect()
    }
}

impl Stand {
    fn of(example: &str) -> Self {
        let project = Project::with([]);
        copy(&project, &format!("examples/{example}"), "");
        Self { project, clock: VirtualClock::new("2026-08-03T08:00:00Z".parse().unwrap()) }
    }

    fn config(&self) -> Config {
        let (config, warnings) = config::load(&self.project.path("scimulator.toml"))
            .unwrap_or_else(|findings| panic!("{findings:?}"));
        assert_eq!(warnings, []);
        config
    }

    fn store(&self) -> Store {
        Store::open(&self.project.path("state")).unwrap()
    }

    /// One cycle, 40 minutes after the last.
    fn cycle(&self) -> Cycle {
        self.clock.advance(SignedDuration::from_mins(40));
        let config = self.config();
        let job = Job::new(&config, &config.jobs[0], &|_| None).unwrap();
        let mut watch = Sent(Vec::new());
        let result =
            job.cycle(&mut self.store(), &self.clock, Purpose::Cycle, Mode::Real, &mut watch).unwrap();
        Cycle { result, sent: watch.0 }
    }

    /// What the app holds.
    fn held(&self) -> Vec<Value> {
        self.store().embedded_content(&self.config().jobs[0].name).unwrap()
    }

    fn user(&self, name: &str) -> Value {
        let held = self.held();
        let found = held.iter().find(|one| one["userName"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {held:#?}")).clone()
    }

    fn names(&self) -> Vec<String> {
        let name = |one: &Value| one["userName"].as_str().or(one["displayName"].as_str()).unwrap().to_owned();
        let mut names: Vec<String> = self.held().iter().map(name).collect();
        names.sort();
        names
    }

    /// Replaces text in a file; it must be there.
    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.project.read(path);
        assert!(text.contains(from), "`{from}` is not in {path}");
        self.project.write(path, &text.replacen(from, to, 1));
    }

    fn directory(&self, from: &str, to: &str) {
        self.edit("directory/directory.toml", from, to);
    }

    /// Something at the app's own side.
    fn at_app<T>(&self, act: impl FnOnce(&mut App) -> T) -> T {
        at_app(&self.config().jobs[0], &mut self.store(), &|_| None, act).unwrap().unwrap()
    }

    fn console(&self, command: ConsoleCommand) {
        self.at_app(|app| app.console(command)).unwrap();
    }

    /// The log's words on a failure of this object in the last cycle.
    fn failure(&self, label: &str) -> String {
        let filter =
            scimulator::store::LogFilter { status: Some("failure".to_owned()), ..Default::default() };
        let rows = self.store().log_entries(&self.config().jobs[0].name, &filter).unwrap();
        let row = rows
            .iter()
            .rev()
            .find(|row| row.label == label)
            .unwrap_or_else(|| panic!("no failure of {label}"));
        serde_json::from_str::<Value>(&row.entry).unwrap().to_string()
    }
}

struct Sent(Vec<String>);

impl Watch for Sent {
    fn exchanged(&mut self, exchange: &Exchange) {
        let url = &exchange.request.url;
        let path = url.split("/scim/v2").nth(1).unwrap();
        let endpoint = path.split(['?', '/']).nth(1).unwrap();
        self.0.push(format!("{} /{endpoint}", exchange.request.method));
    }
}

/// Copies a folder of the repository into the project, without what runs left there.
fn copy(project: &Project, folder: &str, below: &str) {
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let (from, to) = (format!("{folder}/{name}"), format!("{below}{name}"));
        match entry.file_type().unwrap().is_dir() {
            true if name == "state" => {}
            true => copy(project, &from, &format!("{to}/")),
            false => project.write(&to, &std::fs::read_to_string(entry.path()).unwrap()),
        }
    }
}
