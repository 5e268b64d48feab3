//! Plays a story and holds what came of it against the laws.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::draw::Weather;
use super::story::{Story, WORKERS};
use crate::client::Exchange;
use crate::directory::object::ObjectKind;
use crate::oracle::{Difference, Finding, Verdict};
use crate::scenario::{self, End, Options, Report, Unrest};

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What should have held.
    pub law: Law,
    /// What there was instead, in words.
    pub what: String,
    /// What tells it from another defect: the same in a story with fewer people.
    pub(super) kind: String,
    /// An expectation that says so, as a line of a scenario; `None` when none can.
    pub(super) expectation: Option<String>,
}

/// What must hold, of every story or of those in which it can (`docs/simulate.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// It can be played: whatever is drawn is possible.
    Playable,
    /// Once whatever was wrong is over, the job comes to rest.
    Rests,
    /// In the end the app holds what it should, and no defect of ours is to be seen.
    Oracle,
    /// Whatever the app holds is known to the job: nobody is created twice, nothing accepted is forgotten (design, law 4).
    Known,
    /// A process that is killed and starts again comes to the same end as one that lives (design, law 4).
    Kills,
    /// The same story has the same exchanges and the same log (design, law 5).
    Repeats,
    /// However many requests are in flight at once, the end is the same.
    Workers,
}

impl Law {
    /// The law, as a clause.
    pub fn says(self) -> &'static str {
        match self {
            Self::Playable => "the story can be played",
            Self::Rests => "the job comes to rest once nothing is wrong any more",
            Self::Oracle => "in the end the app holds what it should",
            Self::Known => "the job knows of everything that it made in the app",
            Self::Kills => "a killed process comes to the end that it would have come to alive",
            Self::Repeats => "the same story has the same exchanges and the same log",
            Self::Workers => "the end is the same with any number of workers",
        }
    }
}

/// How much was played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Played {
    /// Cycles.
    pub cycles: u64,
    /// Requests.
    pub requests: u64,
    /// Cycles that were cut off.
    pub kills: u64,
}

impl std::ops::AddAssign for Played {
    fn add_assign(&mut self, other: Self) {
        self.cycles = self.cycles.saturating_add(other.cycles);
        self.requests = self.requests.saturating_add(other.requests);
        self.kills = self.kills.saturating_add(other.kills);
    }
}

/// A story that was played.
struct Outcome {
    report: Report,
    end: End,
}

/// Plays a story as often as the laws need; the first law that does not hold.
pub(super) fn judge(
    story: &Story,
    weather: Weather,
    options: &Options,
    played: &mut Played,
) -> Option<Broken> {
    judge_all(story, weather, options, played).err()
}

fn judge_all(story: &Story, weather: Weather, options: &Options, played: &mut Played) -> Result<(), Broken> {
    let first = play(story, options, played)?;
    // Whoever was lied to may have something left that can't be done.
    if let Some(what) = first.end.unrest.as_ref().filter(|_| weather != Weather::Lies) {
        if !story.ends_quietly() {
            // It is cut short: the laws say nothing of it.
            return Ok(());
        }
        return Err(restless(what));
    }
    if weather == Weather::Faults && story.drops_failures() {
        return Ok(());
    }
    unexpected(&first)?;
    if weather != Weather::Lies && !story.may_lose_names() {
        strangers(&first)?;
    }
    if let Some(what) = difference(&first, &play(story, options, played)?) {
        let kind = what.split(':').next().unwrap_or_default().to_owned();
        return Err(Broken { law: Law::Repeats, what, kind, expectation: None });
    }
    if weather == Weather::Kills && story.has_kills() && story.is_fair_to_the_killed() {
        let calm = play(&story.without_kills(), options, played)?;
        same_end(Law::Kills, &first, &calm)?;
    }
    if weather == Weather::Calm {
        let other = if story.settings.iter().any(|line| line.starts_with(WORKERS)) { 1 } else { 4 };
        let other = play(&story.with_workers(other), options, played)?;
        same_end(Law::Workers, &first, &other)?;
    }
    Ok(())
}

fn restless(unrest: &Unrest) -> Broken {
    // Without the name, which may be another one in a smaller story.
    let kind = match unrest {
        Unrest::Escrow { reason, .. } => reason.clone(),
        Unrest::App | Unrest::Source | Unrest::Status(_) | Unrest::Changes | Unrest::Result(_) => {
            unrest.to_string()
        }
    };
    let expectation = match unrest {
        Unrest::App | Unrest::Source | Unrest::Changes => None,
        Unrest::Status(_) => Some("expect.job.status = \"Active\""),
        Unrest::Result(_) => Some("expect.job.result = \"Succeeded\""),
        Unrest::Escrow { .. } => Some("expect.job = { escrows = 0, given_up = 0 }"),
    };
    Broken { law: Law::Rests, what: unrest.to_string(), kind, expectation: expectation.map(str::to_owned) }
}

fn play(story: &Story, options: &Options, played: &mut Played) -> Result<Outcome, Broken> {
    let unplayable = |what: String, kind: &str| Broken {
        law: Law::Playable,
        what,
        kind: kind.to_owned(),
        expectation: None,
    };
    let (scenario, _warnings) =
        scenario::parse(&story.to_toml(), Path::new("story.toml")).map_err(|findings| {
            let Some(first) = findings.first() else { return unplayable(String::new(), "") };
            unplayable(first.to_string(), &first.message)
        })?;
    #[cfg_attr(not(test), expect(unused_mut, reason = "tests break laws on purpose"))]
    let (mut report, end) = scenario::run_to_end(&scenario, options);
    #[cfg(test)]
    if options.sabotage == Some(scenario::Sabotage::TellingEnd) {
        let settings = story.settings.concat();
        report
            .held
            .push(serde_json::json!({ "displayName": "how", "kills": report.kills, "with": settings }));
    }
    played.cycles = played.cycles.saturating_add(report.cycles);
    played.requests =
        played.requests.saturating_add(u64::try_from(report.exchanges.len()).unwrap_or(u64::MAX));
    played.kills = played.kills.saturating_add(report.kills);
    if let scenario::Verdict::Broken(failure) = &report.verdict {
        return Err(unplayable(format!("step {}: {}", failure.step, failure.got), &failure.got));
    }
    match end {
        Ok(end) => Ok(Outcome { report, end }),
        Err(why) => Err(unplayable(why.clone(), &why)),
    }
}

/// What the story expects and does not hold; of the oracle's findings, the gravest.
fn unexpected(outcome: &Outcome) -> Result<(), Broken> {
    let Some(failure) = outcome.report.failures().first() else { return Ok(()) };
    let gravest = outcome.end.oracle.faults().max_by_key(|finding| finding.verdict);
    let (what, kind) = match gravest {
        Some(finding) => (told(finding, &outcome.report.exchanges), kind_of(finding)),
        None => (failure.got.clone(), failure.key.clone()),
    };
    Err(Broken { law: Law::Oracle, what, kind, expectation: None })
}

fn told(finding: &Finding, exchanges: &[Exchange]) -> String {
    let guilty = finding.guilty.and_then(|at| exchanges.get(at));
    match guilty {
        Some(exchange) => format!("{finding}, by {} {}", exchange.request.method, exchange.request.url),
        None => finding.to_string(),
    }
}

fn kind_of(finding: &Finding) -> String {
    let Finding { key: (kind, _), difference, verdict, .. } = finding;
    let path = match difference {
        Difference::Drifted { path, .. } => path.as_str(),
        Difference::Missing | Difference::Orphan => "",
    };
    let verdict = match verdict {
        Verdict::Ours => "ours",
        Verdict::App | Verdict::BlindSpot(_) => "app",
    };
    format!("{kind} {} {path} {verdict}", difference.as_str())
}

/// What differs between two runs of one story.
fn difference(first: &Outcome, again: &Outcome) -> Option<String> {
    let (one, other) = (&first.report.exchanges, &again.report.exchanges);
    if let Some((at, (one, other))) = one.iter().zip(other).enumerate().find(|(_, (one, other))| one != other)
    {
        let line = |exchange: &Exchange| serde_json::to_string(exchange).unwrap_or_default();
        return Some(format!("an exchange differs: {at}: {} / {}", line(one), line(other)));
    }
    if one.len() != other.len() {
        return Some(format!("the number of exchanges differs: {} / {}", one.len(), other.len()));
    }
    let (one, other) = (&first.end.log, &again.end.log);
    if let Some((one, other)) = one.iter().zip(other).find(|(one, other)| one != other) {
        return Some(format!("an entry of the log differs: {one:?} / {other:?}"));
    }
    (one.len() != other.len())
        .then(|| format!("the number of log entries differs: {} / {}", one.len(), other.len()))
}

/// What the app holds and the job knows nothing of.
fn strangers(outcome: &Outcome) -> Result<(), Broken> {
    let strangers = &outcome.end.oracle.strangers;
    for (kind, word) in [(ObjectKind::User, "users"), (ObjectKind::Group, "groups")] {
        let count = strangers.iter().filter(|(found, _)| *found == kind).count();
        if 0 < count {
            let is_such =
                |resource: &&Value| resource.get("userName").is_some() == (kind == ObjectKind::User);
            let held = outcome.report.held.iter().filter(is_such).count();
            // A number tells of an account too many, and not of one that nobody was given in its place.
            let objects = outcome.report.exchanges.iter().filter_map(|exchange| {
                let object = exchange.about.object.as_ref().filter(|object| object.kind == kind)?;
                (exchange.request.method == "POST").then_some(&object.source_id)
            });
            let made_for = objects.collect::<BTreeSet<_>>().len();
            return Err(Broken {
                law: Law::Known,
                what: format!("{count} {word} of the app are not known to the job"),
                kind: word.to_owned(),
                expectation: (made_for < held)
                    .then(|| format!("expect.target.{word} = {}", held.saturating_sub(count))),
            });
        }
    }
    Ok(())
}

/// Whether the end is that of the story told otherwise.
fn same_end(law: Law, first: &Outcome, other: &Outcome) -> Result<(), Broken> {
    let (first, other) = (by_name(&first.report.held), by_name(&other.report.held));
    let names: BTreeSet<_> = first.keys().chain(other.keys()).collect();
    for name in names {
        let (ours, wanted) = (first.get(name), other.get(name));
        if ours == wanted {
            continue;
        }
        let (kind, called) = name;
        let shown = |found: Option<&Vec<Value>>| {
            found.map_or_else(|| "nothing".to_owned(), |all| Value::Array(all.clone()).to_string())
        };
        let difference = match (ours, wanted) {
            (None, _) => "missing",
            (Some(_), None) => "too much",
            (Some(_), Some(_)) => "different",
        };
        return Err(Broken {
            law,
            what: format!("{kind} `{called}`: {} here, {} otherwise", shown(ours), shown(wanted)),
            kind: format!("{kind} {difference}"),
            expectation: None,
        });
    }
    Ok(())
}

/// What the app holds by kind and name, without what tells how and when it came to be: ids are the names of those that
/// have them.
fn by_name(held: &[Value]) -> BTreeMap<(&str, String), Vec<Value>> {
    let text = |resource: &'_ Value, pointer: &str| {
        resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let named: Vec<(&str, String, String, &Value)> = held
        .iter()
        .map(|resource| {
            let is_user = resource.get("userName").is_some();
            let (kind, name) = if is_user { ("User", "/userName") } else { ("Group", "/displayName") };
            (kind, text(resource, name), text(resource, "/id"), resource)
        })
        .collect();
    let names: BTreeMap<String, String> =
        named.iter().map(|(_, name, id, _)| (id.clone(), name.clone())).collect();
    let mut found: BTreeMap<(&str, String), Vec<Value>> = BTreeMap::new();
    for (kind, name, _, resource) in named {
        let mut plain = resource.clone();
        plain_of(&mut plain, &names);
        found.entry((kind, name)).or_default().push(plain);
    }
    for same in found.values_mut() {
        same.sort_by_key(ToString::to_string);
    }
    found
}

/// Names in place of ids, nothing of versions and times, lists in one order.
fn plain_of(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            fields.remove("meta");
            fields.values_mut().for_each(|field| plain_of(field, names));
        }
        Value::Array(items) => {
            for item in items.iter_mut() {
                plain_of(item, names);
            }
            items.sort_by_key(ToString::to_string);
        }
        Value::String(text) => {
            for (id, name) in names {
                if text.contains(id.as_str()) {
                    *text = text.replace(id.as_str(), name);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
