//! The gallery validation's tests that go through the provisioning service (`preflight.md 2.5`, 2.6): edits of the
//! source, cycles on virtual time, then the target and the log. All tests share their cycles, as they do in reality.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Told;
use super::attributes::Values;
use super::judge::{Check, Weight, differences, goes_on, joined};
use super::validator::{matching, members_of};
use super::wire::{Said, Wire};
use crate::client::{Body, Exchange, Outcome, one_line};
use crate::clock::{Clock as _, SignedDuration, Timestamp, VirtualClock};
use crate::directory::object::ObjectKind::{self, Group, User};
use crate::directory::object::SourceObject;
use crate::engine::drive::{Delivery, InProcess, Ports};
use crate::engine::entry::{Action, Entry, Status};
use crate::engine::inspect::inspect;
use crate::engine::on_demand::Unfit;
use crate::engine::{EngineError, Event, ImportOutcome, Purpose, RunState};
use crate::expression::AttributeValue;
use crate::http::{Request, TransportError};
use crate::mapping::{Evaluated, MappedValue};
use crate::runner::{Job, RunError};
use crate::scim::path::TargetPath;
use crate::scim::query::{collection_path, resource_path};
use crate::scim::schemas::Schemas;
use crate::scim::{member, urn};
use crate::stop::Stop;
use crate::store::{Edit, EditError, LogFilter, Store, StoreError};

mod phases;

/// Why the tests can't be played; not what the endpoint did.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The source can't be edited.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A cycle can't be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The engine stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// An object can't be provisioned on demand.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The state can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry of the log can't be read.
    #[error("an entry of the log can't be read")]
    Log(#[from] serde_json::Error),
}

impl PlayError {
    /// Whether it is no trouble: somebody asked to stop.
    pub(super) fn is_stop(&self) -> bool {
        matches!(self, Self::Run(RunError::Engine(EngineError::Stopped)) | Self::Engine(EngineError::Stopped))
    }
}

/// The ports of a cycle: the source is in the state already.
struct Heard(Vec<Exchange>, Stop);

impl Ports for Heard {
    fn import(&mut self, _store: &mut Store, _now: Timestamp) -> Result<ImportOutcome, EngineError> {
        Ok(ImportOutcome::Done)
    }

    fn exchanged(&mut self, exchange: &Exchange) {
        self.0.push(exchange.clone());
    }

    fn logged(&mut self, _event: &Event) {}

    fn progress(&mut self, _phase: &str, _done: u64, _total: u64) {}

    fn stop(&self) -> Stop {
        self.1.clone()
    }
}

/// Nothing is in process here.
struct Nowhere;

impl InProcess for Nowhere {
    fn handle(&mut self, _request: &Request, _label: Option<&str>, _now: Timestamp) -> Delivery {
        let outcome = Err(TransportError::Connect("the endpoint is not in process".to_owned()));
        Delivery { outcome, latency: SignedDuration::ZERO }
    }
}

/// A user or group of the source.
#[derive(Debug, Clone)]
struct Object {
    kind: ObjectKind,
    id: String,
    name: String,
    /// The account, once it was seen.
    target: Option<String>,
}

/// The endpoint, a job against it, and what was found so far.
pub(super) struct Provisioned<'r> {
    pub(super) wire: &'r mut Wire,
    pub(super) values: &'r mut Values,
    job: Job,
    /// The same job as it runs on demand, which knows no feature flag (`wire.md 1.6`).
    on_demand: Job,
    store: Store,
    clock: VirtualClock,
    heard: Heard,
    cycle: i64,
    objects: BTreeMap<&'static str, Object>,
    found: BTreeMap<&'static str, Vec<Check>>,
    /// What stopped the last cycle.
    stopped: Option<String>,
}

/// Whether the official run asks before it creates, and gives up where the answer is an error (`preflight.md 2.1`).
const ASK_FIRST: [&str; 10] = ["A1", "A2", "A3", "A4", "A5", "A8", "A9", "A10", "A11", "A12"];

/// The objects of each test: key, kind, prefix of the name.
const OBJECTS: [(&str, ObjectKind, &str); 16] = [
    ("A1", User, "lacreate"),
    ("A2", User, "laupdate"),
    ("A3", User, "ladis"),
    ("A4", User, "ladel"),
    ("A5", User, "lamgr"),
    ("A5 initial", User, "lamgrinit"),
    ("A5 new", User, "lamgrnew"),
    ("A6", User, "larestore"),
    ("A8", Group, "LACreateGroup-("),
    ("A9", Group, "LAUpdateGroup-"),
    ("A10", Group, "LADeleteGroup-"),
    ("A11 member", User, "lamem1"),
    ("A11", Group, "LAMemberGroup-"),
    ("A12 member", User, "lamem2"),
    ("A12", Group, "LAMemberGroup-"),
    ("A14", Group, "RestoreGrp-"),
];

fn test_of(key: &str) -> &str {
    key.split(' ').next().unwrap_or(key)
}

impl<'r> Provisioned<'r> {
    pub(super) fn new(
        (wire, values): (&'r mut Wire, &'r mut Values),
        (job, on_demand): (Job, Job),
        (clock, stop): (VirtualClock, Stop),
    ) -> Result<Self, PlayError> {
        Ok(Self {
            wire,
            values,
            job,
            on_demand,
            store: Store::in_memory()?,
            clock,
            heard: Heard(Vec::new(), stop),
            cycle: 0,
            objects: BTreeMap::new(),
            found: BTreeMap::new(),
            stopped: None,
        })
    }

    /// Plays the tests of these numbers; the checks of each. `schemas` is what `/Schemas` answers, `told` hears what begins.
    pub(super) fn play(
        mut self,
        wanted: &[&'static str],
        schemas: &Said,
        told: &mut dyn FnMut(Told<'_>),
    ) -> Result<BTreeMap<&'static str, Vec<Check>>, PlayError> {
        self.found = wanted.iter().map(|id| (*id, Vec::new())).collect();
        if wanted.is_empty() {
            return Ok(self.found);
        }
        self.groups_are_shown(schemas);
        let mut begins = |what: &str| told(Told::Begins(what));
        begins("A1 to A14, cycle 1 of 5");
        self.run_cycle(Purpose::InitialCycle)?;
        self.ask_first();
        self.begin()?;
        begins("A1 to A14, cycle 2 of 5");
        self.run_cycle(Purpose::CycleByHand)?;
        self.created()?;
        self.second_edits()?;
        begins("A1 to A14, cycle 3 of 5");
        self.run_cycle(Purpose::CycleByHand)?;
        self.second_phases()?;
        self.third_edits()?;
        begins("A1 to A14, cycle 4 of 5");
        self.run_cycle(Purpose::CycleByHand)?;
        self.third_phases()?;
        self.set("A5", &[("manager", None)])?;
        begins("A1 to A14, cycle 5 of 5");
        self.run_cycle(Purpose::CycleByHand)?;
        self.manager_removed()?;
        for (test, kind, prefix) in [("A7", User, "poduser"), ("A13", Group, "PODTestGroup_")] {
            begins(&format!("{test}, on demand"));
            self.provision_one(test, kind, prefix)?;
        }
        // From then on nothing was asked any more.
        if self.heard.1.is_asked() {
            return Err(EngineError::Stopped.into());
        }
        Ok(self.found)
    }

    /// Group tests fail where `/Schemas` shows no Group (W-204).
    fn groups_are_shown(&mut self, schemas: &Said) {
        let parsed = Schemas::parse(schemas.body.to_string().as_bytes());
        let shown = parsed.is_ok_and(|schemas| schemas.schema(urn::GROUP).is_some());
        for test in ["A8", "A9", "A10", "A11", "A12", "A13", "A14"] {
            let got = if shown { "it does" } else { "it does not" };
            let expected = "/Schemas shows the schema Group";
            let check =
                schemas.check("Schema_Discovery", expected, got.to_owned(), shown, Weight::Documented);
            self.put(test, "Initialization", [check]);
        }
    }

    fn put(&mut self, test: &str, phase: &'static str, checks: impl IntoIterator<Item = Check>) {
        if let Some(found) = self.found.get_mut(test) {
            found.extend(checks.into_iter().map(|check| Check { phase, ..check }));
        }
    }

    /// Whether the test runs and its phases so far passed.
    fn is_open(&self, test: &str) -> bool {
        self.found.get(test).is_some_and(|checks| goes_on(checks))
    }

    fn run_cycle(&mut self, purpose: Purpose) -> Result<(), PlayError> {
        self.heard.0.clear();
        let result = self.job.cycle_on(&mut self.store, &self.clock, purpose, &mut self.heard, &mut Nowhere);
        // Also when it was stopped.
        self.learn();
        let result = result?;
        self.cycle = result.cycle;
        self.stopped = (result.state == RunState::Failed).then(|| {
            let error = &result.statistics.error;
            format!("the cycle failed and the job is in quarantine: {}: {}", error.code, error.message)
        });
        self.clock.advance(SignedDuration::from_mins(40));
        Ok(())
    }

    /// Whatever a cycle created is to be taken away.
    fn learn(&mut self) {
        for exchange in self.heard.0.iter().filter(|exchange| exchange.request.method == "POST") {
            let (Outcome::Response(response), Some(object)) = (&exchange.outcome, &exchange.about.object)
            else {
                continue;
            };
            let Some(Body::Json(body)) = &response.body else { continue };
            if let Some(id) = member(body, "id").and_then(Value::as_str)
                && response.status < 300
            {
                self.wire.remember(object.kind, id);
            }
        }
    }

    fn filter_path(kind: ObjectKind, name: &str) -> String {
        /// What a filter value keeps; parentheses go raw, as the suite sends them.
        const KEPT: &percent_encoding::AsciiSet =
            &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'%').add(b'&').add(b'#').add(b'+');
        let value = percent_encoding::utf8_percent_encode(name, KEPT);
        format!("{}?filter={}%20eq%20%22{value}%22", collection_path(kind), matching(kind))
    }

    fn ask_first(&mut self) {
        for test in ASK_FIRST {
            let kind = OBJECTS.iter().find(|(key, ..)| *key == test).map_or(User, |(_, kind, _)| *kind);
            if self.found.contains_key(test) {
                let name = format!("preflight-{}", self.values.hex(8));
                let said = self.wire.ask(crate::http::Method::Get, &Self::filter_path(kind, &name), None);
                let check = said.answered("Initial_Verify_Exists", &[200], Weight::Both);
                self.put(test, "Create", [check]);
            }
        }
    }

    /// Adds an object to the source and assigns it.
    fn add(&mut self, key: &'static str, kind: ObjectKind, prefix: &str) -> Result<(), PlayError> {
        let now = self.clock.now();
        let id = self.values.guid().to_string();
        let close = if prefix.ends_with('(') { ")" } else { "" };
        let end = if key == "A12" { "-Remove" } else { close };
        let (name, attributes) = match kind {
            User => {
                let name = self.values.user_name(prefix);
                let set = self.values.set();
                let attributes = self.values.source_user(set, &name);
                (name, attributes)
            }
            Group => {
                let name = format!("{prefix}{}{end}", self.values.hex(8));
                let text = |text: &str| AttributeValue::Text(text.to_owned());
                let attributes = BTreeMap::from([
                    ("displayName".to_owned(), text(&name)),
                    ("description".to_owned(), text("Default test group for provisioning validation")),
                    ("securityEnabled".to_owned(), text("True")),
                ]);
                (name, attributes)
            }
        };
        let object = SourceObject { kind, id: id.clone(), id_given: true, deleted: None, attributes };
        self.store.add_object(&object, now)?;
        self.store.edit_assignment("", (kind, &id), None, true, now)?;
        self.objects.insert(key, Object { kind, id, name, target: None });
        Ok(())
    }

    fn begin(&mut self) -> Result<(), PlayError> {
        for (key, kind, prefix) in OBJECTS {
            if self.found.contains_key(test_of(key)) {
                self.add(key, kind, prefix)?;
            }
        }
        self.member("A12", true)
    }

    fn member(&mut self, test: &'static str, present: bool) -> Result<(), PlayError> {
        let who = if test == "A11" { "A11 member" } else { "A12 member" };
        if let (Some(group), Some(user)) = (self.objects.get(test), self.objects.get(who)) {
            self.store.edit_membership(&group.id, &user.id, present, self.clock.now())?;
        }
        Ok(())
    }

    fn edit(&mut self, key: &str, edits: &[Edit]) -> Result<(), PlayError> {
        let Some(object) = self.objects.get(key) else { return Ok(()) };
        for edit in edits {
            self.store.edit(object.kind, &object.id, edit, self.clock.now())?;
        }
        Ok(())
    }

    fn set(&mut self, key: &str, values: &[(&str, Option<&str>)]) -> Result<(), PlayError> {
        let value = |value: Option<&str>| value.map(|text| AttributeValue::Text(text.to_owned()));
        let values = values.iter().map(|(name, text)| ((*name).to_owned(), value(*text))).collect();
        self.edit(key, &[Edit::Set(values)])
    }

    /// The newest entry of the log about an object in the last cycle, and what it has to be.
    fn logged(&self, object: &Object, actions: &[Action], action: &str) -> Result<Check, PlayError> {
        let filter =
            LogFilter { object: Some(object.id.clone()), cycle: Some(self.cycle), ..LogFilter::default() };
        let rows = self.store.log_entries(&self.job.spec().name, &filter)?;
        let is_wanted =
            |name: &str| actions.is_empty() || actions.iter().any(|action| action.as_str() == name);
        let row = rows.iter().rfind(|row| is_wanted(&row.action));
        let (holds, got) = match row {
            None => (false, self.stopped.clone().unwrap_or_else(|| "NO_LOGS_FOUND".to_owned())),
            Some(row) => {
                let entry: Entry = serde_json::from_str(&row.entry)?;
                let why =
                    entry.error_information.map(|error| format!(": {}: {}", error.error_code, error.reason));
                (row.status == Status::Success.as_str(), format!("{}{}", row.status, why.unwrap_or_default()))
            }
        };
        let names: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
        let expected = format!("an entry {} with success in the provisioning log", names.join(" or "));
        let written = self.heard.0.iter().rev().find(|exchange| {
            let about = exchange.about.object.as_ref().is_some_and(|about| about.source_id == object.id);
            about && exchange.request.method != "GET"
        });
        let request = written.or(self.heard.0.last()).map(one_line);
        Ok(Check {
            phase: "",
            action: action.to_owned(),
            expected,
            got,
            holds,
            weight: Weight::Both,
            request,
        })
    }

    /// Whether the log tells of a property that was changed, with this new value (`preflight.md A5`, A11).
    fn logged_property(&self, object: &Object, property: &str, action: &str) -> Result<Check, PlayError> {
        let mut check = self.logged(object, &[Action::Update], action)?;
        let filter =
            LogFilter { object: Some(object.id.clone()), cycle: Some(self.cycle), ..LogFilter::default() };
        let mut told = false;
        for row in self.store.log_entries(&self.job.spec().name, &filter)? {
            let entry: Entry = serde_json::from_str(&row.entry)?;
            told |= entry.modified_properties.iter().any(|it| it.display_name.ends_with(property));
        }
        if check.holds && !told {
            check.holds = false;
            check.got = format!("no entry tells of `{property}`");
        }
        Ok(check)
    }

    /// Looks for the object's account by its name until this holds.
    fn find(&mut self, object: &Object, holds: impl Fn(&Said) -> bool) -> Said {
        self.wire.read_until(&Self::filter_path(object.kind, &object.name), holds)
    }

    fn object(&self, key: &str) -> Option<Object> {
        self.objects.get(key).cloned()
    }

    /// The create phase of every test.
    fn created(&mut self) -> Result<(), PlayError> {
        for (key, ..) in OBJECTS {
            let test = test_of(key);
            let Some(object) = self.object(key).filter(|_| self.is_open(test)) else { continue };
            let found = self.find(&object, |said| !said.found().is_empty());
            let held = found.found();
            let got = if held.is_empty() { found.told() + ", nothing found" } else { "found".to_owned() };
            let name = format!("SCIM_Query_{}", object.kind.as_str());
            let mut checks =
                vec![found.check(&name, "the account is found", got, !held.is_empty(), Weight::Both)];
            checks.push(self.logged(&object, &[Action::Create], "Verify_Create_Provisioning_Logs")?);
            let target = held.first().and_then(|it| member(it, "id")?.as_str()).map(str::to_owned);
            if let (Some(first), true) = (held.first(), matches!(key, "A1" | "A8")) {
                let different = differences(&self.mapped(&object)?, first);
                let holds = different.is_empty();
                let expected = "every mapped value as it was sent";
                checks.push(found.check(&name, expected, joined(&different), holds, Weight::Remark));
            }
            if let Some(known) = self.objects.get_mut(key) {
                known.target = target;
            }
            self.put(test, "Create", checks);
        }
        if let (Some(group), Some(member)) = (self.object("A12"), self.object("A12 member"))
            && self.is_open("A12")
        {
            let check = self.has_member(&group, &member, true);
            let logged = self.logged_property(&group, "members", "Verify_Group_Create_Provisioning_Logs")?;
            self.put("A12", "Create", [check, logged]);
        }
        Ok(())
    }

    /// What the job's mappings make of an object now.
    fn mapped(&mut self, object: &Object) -> Result<Vec<(TargetPath, Value)>, PlayError> {
        let now = self.clock.now();
        let seen = inspect(self.job.spec(), &mut self.store, (object.kind, &object.id), now)?;
        let Some(Ok(Evaluated::Mapped(mapped))) = seen.map(|seen| seen.evaluated) else {
            return Ok(Vec::new());
        };
        let values = mapped.attributes.into_iter().filter_map(|attribute| {
            let Some(MappedValue::Text(text)) = attribute.value else { return None };
            Some((attribute.path, Value::String(text)))
        });
        Ok(values.collect())
    }

    /// Whether a group has, or has no more, a member; read by id.
    fn has_member(&mut self, group: &Object, user: &Object, wanted: bool) -> Check {
        let (group, user) =
            (group.target.clone().unwrap_or_default(), user.target.clone().unwrap_or_default());
        let holds =
            |said: &Said| said.is_success() && members_of(&said.body).contains(&user.as_str()) == wanted;
        let said = self.wire.read_until(&resource_path(Group, &group), holds);
        let members = members_of(&said.body);
        let got = if members.is_empty() {
            "no members".to_owned()
        } else {
            format!("members: {}", members.join(", "))
        };
        let expected = format!("{} member {user}", if wanted { "the" } else { "no" });
        said.check("Query_Group_With_Members", &expected, got, holds(&said), Weight::Documented)
    }

    fn second_edits(&mut self) -> Result<(), PlayError> {
        let set = self.values.set() + 1;
        if let Some(object) = self.object("A2") {
            let name = format!("updated-{}", object.name);
            let mut values = self.values.source_user(set, &name);
            values.remove("employeeId");
            values.insert("mail".to_owned(), AttributeValue::Text(name.clone()));
            let values = values.into_iter().map(|(name, value)| (name, Some(value))).collect();
            self.edit("A2", &[Edit::Set(values)])?;
            if let Some(object) = self.objects.get_mut("A2") {
                object.name = name;
            }
        }
        self.set("A3", &[("accountEnabled", Some("False"))])?;
        self.edit("A4", &[Edit::Delete, Edit::Purge])?;
        self.manager_is("A5 initial")?;
        self.assign("A6", false)?;
        if let Some(object) = self.objects.get_mut("A9") {
            object.name.push_str("-Modified");
            let name = object.name.clone();
            let description = Some("Updated Test Group Description");
            self.set("A9", &[("displayName", Some(&name)), ("description", description)])?;
        }
        self.edit("A10", &[Edit::Delete])?;
        self.member("A11", true)?;
        self.member("A12", false)?;
        self.assign("A14", false)
    }

    fn third_edits(&mut self) -> Result<(), PlayError> {
        self.manager_is("A5 new")?;
        self.assign("A6", true)?;
        self.assign("A14", true)
    }

    fn manager_is(&mut self, who: &str) -> Result<(), PlayError> {
        match self.object(who) {
            Some(manager) => self.set("A5", &[("manager", Some(&manager.id))]),
            None => Ok(()),
        }
    }

    fn assign(&mut self, key: &str, present: bool) -> Result<(), PlayError> {
        if let Some(object) = self.objects.get(key) {
            let now = self.clock.now();
            self.store.edit_assignment("", (object.kind, &object.id), None, present, now)?;
        }
        Ok(())
    }
}
