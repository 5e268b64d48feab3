//! From the text of a scenario file to a [`Scenario`]: every mistake at once, each with its line and column.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::model::{Act, AtConsole, Do, Expectation, Named, Scenario, Step, Time, To, Until, Wanted};
use super::raw::{RawScenario, RawStep, Text};
use super::schema::{self, DIRECTORY_KEYS};
use super::snapshot::Snapshot;
use crate::clock::{SignedDuration, Timestamp};
use crate::config::source::Source;
use crate::config::structure::in_backticks;
use crate::config::words::Word;
use crate::config::{self, Config, Part, of_part, structure, syntax};
use crate::diagnostic::{Diagnostic, Place, did_you_mean, has_errors};
use crate::directory::object::ObjectKind;
use crate::directory::read::{ReadOptions, read_folder, read_part};
use crate::engine::restart::Reset;
use crate::mapping::source::{is_directory_extension, source_attributes};

mod edits;
mod expected;
mod faults;

pub(super) use expected::is_named;

/// When a scenario begins that says nothing: a Monday morning.
pub(super) const START: &str = "2026-01-05T08:00:00Z";

/// The name of a scenario's job, in logs.
pub(super) const JOB: &str = "scenario";

/// A scenario and what deserves a warning; or everything that is wrong with it, and the warnings too.
pub type Loaded = Result<(Scenario, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Reads a scenario file.
///
/// # Errors
/// The file can't be read, is no TOML, or says something wrong; so does its directory.
pub fn load(file: &Path) -> Loaded {
    let source = Source::read(file, "scenario").map_err(|finding| vec![finding])?;
    read(&source)
}

/// Reads the text of a scenario as if it stood in `file`, from whose folder its paths are.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, file: &Path) -> Loaded {
    read(&Source::new(file, text.to_owned()))
}

fn read(source: &Source) -> Loaded {
    let (mut table, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        let mut findings: Vec<Diagnostic> = errors.iter().map(|error| syntax(source, error)).collect();
        findings.sort_by(|a, b| a.place.cmp(&b.place));
        return Err(findings);
    }
    let mut findings = structure::check(source, schema::json_schema(), &mut table);
    let tables = table.get_mut();
    let directory = take(tables, &DIRECTORY_KEYS.map(|(name, _)| name));
    let mut part = |name| tables.remove(name);
    let part = Part {
        name: JOB,
        app: part("app"),
        app_role: part("app_role"),
        multi_valued: part("multi_valued"),
        seed: part("seed"),
        job: part("job"),
    };
    list_single_tables(tables);
    let raw = match RawScenario::deserialize(toml::de::Deserializer::from(table)) {
        Ok(raw) => raw,
        Err(error) => {
            findings.push(syntax(source, &error));
            return Err(findings);
        }
    };
    let config = match of_part(source, part) {
        Ok((config, warnings)) => {
            findings.extend(warnings);
            Some(config)
        }
        Err(errors) => {
            findings.extend(errors);
            None
        }
    };
    let mut reader = Reader {
        source,
        findings,
        names: Names::default(),
        roles: BTreeSet::new(),
        multi_valued: BTreeSet::new(),
        attributes: BTreeSet::new(),
    };
    let scenario = reader.scenario(raw, &directory, config);
    let mut findings = reader.findings;
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    match scenario {
        Some(scenario) if !has_errors(&findings) => Ok((scenario, findings)),
        _ => Err(findings),
    }
}

/// The tables of these names, taken out.
fn take<'t>(table: &mut DeTable<'t>, names: &[&'static str]) -> DeTable<'t> {
    let mut taken = DeTable::new();
    for name in names {
        if let Some((key, value)) = table.remove_entry(*name) {
            taken.insert(key, value);
        }
    }
    taken
}

/// Makes lists of one of the edits and faults that stand alone.
fn list_single_tables(tables: &mut DeTable<'_>) {
    let Some(DeValue::Array(steps)) = tables.get_mut("step").map(Spanned::get_mut) else { return };
    for step in steps.iter_mut() {
        let DeValue::Table(step) = step.get_mut() else { continue };
        for key in ["edit", "fault"] {
            let Some(value) = step.get_mut(key) else { continue };
            if matches!(value.get_ref(), DeValue::Table(_)) {
                let span = value.span();
                let mut list = DeArray::new();
                list.push(std::mem::replace(value, Spanned::new(0..0, DeValue::Boolean(false))));
                *value = Spanned::new(span, DeValue::Array(list));
            }
        }
    }
}

/// The names that a file may use at a place in it: those of its directory, and of the edits above.
#[derive(Default)]
struct Names {
    /// Names and objectIds, lower-cased, as they are written; by kind.
    known: BTreeMap<(ObjectKind, String), String>,
}

impl Names {
    fn add(&mut self, kind: ObjectKind, name: &str) {
        self.known.insert((kind, name.to_lowercase()), name.to_owned());
    }

    fn has(&self, kind: ObjectKind, name: &str) -> bool {
        self.known.contains_key(&(kind, name.to_lowercase()))
    }

    fn near(&self, kinds: &[ObjectKind], name: &str) -> Option<&str> {
        let of_kinds = self.known.iter().filter(|((kind, _), _)| kinds.contains(kind));
        did_you_mean(name, of_kinds.map(|(_, name)| name.as_str()))
    }
}

const BOTH: &[ObjectKind] = &[ObjectKind::User, ObjectKind::Group];

struct Reader<'a> {
    source: &'a Source,
    findings: Vec<Diagnostic>,
    names: Names,
    roles: BTreeSet<String>,
    multi_valued: BTreeSet<String>,
    /// The attributes that there are: Entra's, the directory's, and those that mappings read.
    attributes: BTreeSet<(ObjectKind, String)>,
}

impl Reader<'_> {
    fn error(&mut self, span: &Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.report(span, Diagnostic::error(message), help);
    }

    fn warning(&mut self, span: &Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.report(span, Diagnostic::warning(message), help);
    }

    fn report(&mut self, span: &Range<usize>, finding: Diagnostic, help: Option<String>) {
        let finding = finding.at(self.source.place(span));
        self.findings.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    /// Whether something in this part of the file has been found wrong already.
    fn is_told(&self, span: &Range<usize>) -> bool {
        let (from, to) = (self.place(span), self.place(&(span.end..span.end)));
        self.findings
            .iter()
            .any(|finding| finding.place.as_ref().is_some_and(|place| from <= *place && *place <= to))
    }

    fn place(&self, span: &Range<usize>) -> Place {
        self.source.place(span)
    }

    fn scenario(
        &mut self,
        raw: RawScenario,
        directory: &DeTable<'_>,
        config: Option<Config>,
    ) -> Option<Scenario> {
        let title = raw.title?;
        if title.get_ref().trim().is_empty() {
            self.error(&title.span(), "`title` is empty", None);
        }
        let start = match raw.start {
            Some(text) => self.moment(&text),
            None => START.parse().ok(),
        };
        let config = config?;
        let above = self.source.file.parent().unwrap_or(Path::new(""));
        let folder = raw.directory.as_ref().map(|folder| above.join(folder.get_ref()));
        self.multi_valued.clone_from(&config.directory.multi_valued);
        self.roles.extend(config.app_roles.iter().map(|declared| declared.role.value.clone()));
        let snapshot = self.directory(raw.directory.as_ref(), directory)?;
        for (object, _) in &snapshot.objects {
            self.names.add(object.kind, object.label());
            self.names.add(object.kind, &object.id);
            self.attributes.extend(object.attributes.keys().map(|name| (object.kind, name.clone())));
        }
        for kind in BOTH {
            self.attributes.extend(source_attributes(*kind).iter().map(|own| (*kind, own.name.to_owned())));
        }
        for mapping in config.jobs.iter().flat_map(|job| &job.mappings.mappings) {
            let read = mapping.attributes_read().into_iter();
            self.attributes.extend(read.map(|name| (mapping.kind, name.to_owned())));
        }
        let steps = raw.step?;
        if steps.get_ref().is_empty() {
            self.error(
                &steps.span(),
                "there is no step",
                Some("write `[[step]]`, once for each step".to_owned()),
            );
        }
        let mut furthest = SignedDuration::ZERO;
        let steps = steps.into_inner().into_iter().map(|step| self.step(step, &mut furthest)).collect();
        Some(Scenario {
            file: self.source.file.clone(),
            title: title.into_inner(),
            description: raw.description,
            start: start?,
            steps,
            oracle: raw
                .oracle
                .and_then(|word| Some((self.place(&word.span()), Word::from_word(word.get_ref())?))),
            folder,
            directory: snapshot,
            config,
        })
    }

    fn moment(&mut self, text: &Text) -> Option<Timestamp> {
        let moment = text.get_ref().parse();
        if moment.is_err() {
            let help = "write for example `2026-01-05T08:00:00Z`".to_owned();
            self.error(&text.span(), format!("`{}` is no moment", text.get_ref()), Some(help));
        }
        moment.ok()
    }

    /// The directory: a folder's, or what stands in the file.
    fn directory(&mut self, folder: Option<&Text>, tables: &DeTable<'_>) -> Option<Snapshot> {
        let options = ReadOptions { multi_valued: self.multi_valued.clone() };
        let mut snapshot = Snapshot::default();
        let first_table = tables.iter().next().map(|(key, _)| key.span());
        let outcome = match (folder, first_table) {
            (Some(folder), Some(_)) => {
                let help = "name a folder, or write the tables into the scenario".to_owned();
                self.error(
                    &folder.span(),
                    "there are two directories, this one and the tables of the file",
                    Some(help),
                );
                return None;
            }
            (None, None) => {
                let help =
                    "write `directory = \"../directory\"`, or `[[user]]` and `[[assignment]]`".to_owned();
                self.error(&(0..0), "there is no directory", Some(help));
                return None;
            }
            (Some(folder), None) => {
                let above = self.source.file.parent().unwrap_or(Path::new(""));
                let path = above.join(folder.get_ref());
                if !path.is_dir() {
                    let help = "it is looked for from the scenario's own folder".to_owned();
                    let message = format!("there is no folder `{}`", path.display());
                    self.error(&folder.span(), message, Some(help));
                    return None;
                }
                read_folder(&path, &options, &mut snapshot)
            }
            (None, Some(_)) => {
                read_part(&self.source.file, &self.source.text, tables, &options, &mut snapshot)
            }
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.findings.push(Diagnostic::error(error.to_string()));
                return None;
            }
        };
        let is_refused = has_errors(&outcome.diagnostics);
        self.findings.extend(outcome.diagnostics);
        let mut unknown = Vec::new();
        for (row, place) in &snapshot.assignments {
            if let Some(role) = row.app_role.as_ref().filter(|role| !self.roles.contains(*role)) {
                unknown.push(self.no_role(role).at(place.clone()));
            }
        }
        self.findings.extend(unknown);
        (!is_refused).then_some(snapshot)
    }

    fn no_role(&self, role: &str) -> Diagnostic {
        let finding = Diagnostic::error(format!("the scenario has no app role `{role}`"));
        match did_you_mean(role, self.roles.iter().map(String::as_str)) {
            Some(meant) => finding.help(format!("did you mean `{meant}`?")),
            None => finding.help("roles are its `[[app_role]]` tables: `id`, `value`, `displayName`"),
        }
    }

    /// A step; `furthest` is where time stands at least, counted from the start.
    fn step(&mut self, raw: Spanned<RawStep>, furthest: &mut SignedDuration) -> Step {
        let span = raw.span();
        let raw = raw.into_inner();
        let edits =
            raw.edit.unwrap_or_default().into_iter().filter_map(|edit| self.edit(edit)).flatten().collect();
        let faults =
            raw.fault.unwrap_or_default().into_iter().filter_map(|fault| self.fault(fault)).collect();
        let console = raw.console.as_ref().and_then(|word| AtConsole::from_word(word.get_ref()));
        let action = self.action(raw.action.as_ref(), raw.reset.as_ref());
        let until = raw.until.as_ref().and_then(|until| Until::from_word(until.get_ref()));
        let time = self.time(raw.at.as_ref(), raw.advance.as_ref(), until, furthest);
        let mut expect = raw.expect.map(|expect| self.expectations(expect)).unwrap_or_default();
        if let (Some(until), Some(text)) = (until, &raw.until) {
            let place = self.place(&text.span());
            expect.insert(0, Expectation { place, key: "until".to_owned(), what: Wanted::Reached(until) });
        }
        Step { place: self.place(&span), title: raw.title, edits, faults, console, action, time, expect }
    }

    fn action(&mut self, action: Option<&Text>, reset: Option<&Text>) -> Option<Act> {
        let action = action.and_then(|action| Do::from_word(action.get_ref()));
        if let Some(reset) = reset.filter(|_| action != Some(Do::Restart)) {
            self.error(&reset.span(), "`reset` belongs to `do = \"restart\"`", None);
        }
        Some(match action? {
            Do::InitialCycle => Act::InitialCycle,
            Do::Cycle => Act::Cycle,
            Do::Restart => Act::Restart(reset.map_or(Reset::EMPTY, |reset| self.reset(reset))),
            Do::Start => Act::Start,
            Do::Pause => Act::Pause,
            Do::AllowDeletions => Act::AllowDeletions,
            Do::RejectDeletions => Act::RejectDeletions,
            Do::SetToken => Act::SetToken,
        })
    }

    fn reset(&mut self, text: &Text) -> Reset {
        let mut reset = None;
        for name in text.get_ref().split([',', ' ']).filter(|name| !name.is_empty()) {
            let Some(part) = Reset::named(name) else {
                let help = match did_you_mean(name, Reset::names()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("there are {}", Reset::names().collect::<Vec<_>>().join(", ")),
                };
                self.error(&text.span(), format!("there is no `{name}` to reset"), Some(help));
                continue;
            };
            reset = Some(reset.unwrap_or(Reset::NONE) | part);
        }
        reset.unwrap_or(Reset::EMPTY)
    }

    fn time(
        &mut self,
        at: Option<&Text>,
        advance: Option<&Text>,
        until: Option<Until>,
        furthest: &mut SignedDuration,
    ) -> Time {
        if let (Some(_), Some(advance)) = (at, advance) {
            let help = "`at` counts from the start, `advance` from the end of the step before".to_owned();
            self.error(&advance.span(), "a step has `at` or `advance`, not both", Some(help));
        }
        let to = match (at, advance) {
            (Some(text), _) => {
                let distance = self.distance(text);
                if distance < *furthest {
                    let message = format!("`{}` lies before the end of the step above", text.get_ref());
                    self.error(&text.span(), message, Some("time never goes back".to_owned()));
                }
                *furthest = distance.max(*furthest);
                Some(To::At(distance))
            }
            (None, Some(text)) => {
                let distance = self.distance(text);
                // Where time moves until something holds, it may stop short.
                if until.is_none() {
                    *furthest = furthest.saturating_add(distance);
                }
                Some(To::After(distance))
            }
            (None, None) => None,
        };
        match (to, until) {
            (None, None) => Time::Stands,
            (to, until) => Time::Moves { to, until },
        }
    }

    fn distance(&mut self, text: &Text) -> SignedDuration {
        let written = text.get_ref().trim();
        match config::duration::parse(written.strip_prefix('+').unwrap_or(written)) {
            Ok(distance) => distance,
            Err(error) => {
                let help = "write for example `+40m`, `31d` or `2 days 3h`".to_owned();
                self.error(&text.span(), error.to_string(), Some(help));
                SignedDuration::ZERO
            }
        }
    }

    fn duration(&mut self, text: &Text) -> Option<SignedDuration> {
        match config::duration::parse(text.get_ref()) {
            Ok(duration) => Some(duration),
            Err(error) => {
                self.error(&text.span(), error.to_string(), Some(config::duration::HELP.to_owned()));
                None
            }
        }
    }

    /// The user or group that a table is about: `user` or `group`, not both.
    fn named(&mut self, user: Option<&Text>, group: Option<&Text>) -> Option<Named> {
        let (kind, text) = match (user, group) {
            (Some(_), Some(group)) => {
                self.error(&group.span(), "name a `user` or a `group`, not both", None);
                return None;
            }
            (Some(user), None) => (ObjectKind::User, user),
            (None, Some(group)) => (ObjectKind::Group, group),
            (None, None) => return None,
        };
        Some(Named { kind, name: text.get_ref().clone() })
    }

    /// Reports a name that nobody has at this place of the file.
    fn must_be_known(&mut self, kinds: &[ObjectKind], name: &str, span: &Range<usize>) {
        if kinds.iter().any(|kind| self.names.has(*kind, name)) {
            return;
        }
        let what = match kinds {
            [ObjectKind::User] => "no user",
            [ObjectKind::Group] => "no group",
            _ => "nobody",
        };
        let help = match self.names.near(kinds, name) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "it is neither in the directory nor made by a step above".to_owned(),
        };
        self.error(span, format!("{what} is called `{name}`"), Some(help));
    }

    /// Warns of an attribute that is called nearly as one that there is. Any other may be one of this directory alone.
    fn must_be_spelt(&mut self, kind: ObjectKind, attribute: &Text) {
        let name = attribute.get_ref();
        let known = || self.attributes.iter().filter(|(of, _)| *of == kind).map(|(_, known)| known.as_str());
        if is_directory_extension(name) || known().any(|known| known.eq_ignore_ascii_case(name)) {
            return;
        }
        if let Some(near) = did_you_mean(name, known()) {
            let help = format!("did you mean `{near}`?");
            let message =
                format!("no {kind} has an attribute `{name}`, neither in Entra nor in the directory");
            self.warning(&attribute.span(), message, Some(help));
        }
    }

    /// Warns of a path that no request of a job can have.
    fn path_must_be_one(&mut self, path: &Text) {
        const ENDPOINTS: [&str; 5] =
            ["/Users", "/Groups", "/Schemas", "/ResourceTypes", "/ServiceProviderConfig"];
        let written = path.get_ref();
        let end = written.char_indices().skip(1).find(|(_, c)| matches!(c, '/' | '?'));
        let endpoint = written.get(..end.map_or(written.len(), |(at, _)| at)).unwrap_or_default();
        if ENDPOINTS.contains(&endpoint) {
            return;
        }
        let help = match did_you_mean(endpoint, ENDPOINTS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("paths are below the tenant URL and begin with {}", in_backticks(&ENDPOINTS)),
        };
        self.warning(&path.span(), format!("no request has the path `{written}`"), Some(help));
    }

    /// Reports the placeholders `{name}` of a text that stand for nobody.
    fn placeholders_must_be_known(&mut self, text: &str, span: &Range<usize>) {
        for name in super::names::placeholders(text) {
            self.must_be_known(BOTH, name, span);
        }
    }
}

/// A value of the file as JSON; dates are texts.
fn json_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(value) => (*value).into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => items.iter().map(json_of).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json_of(value))).collect(),
    }
}
