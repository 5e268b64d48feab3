//! `compatibility`: the story of joiners, movers, leavers and groups told to a server, in both dialects, and what
//! became of each step.

mod reading;
mod story;

use std::collections::BTreeMap;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use self::reading::{Change, Grade, State, Verdict, flat, judge};
use self::story::{CYCLES, KNOWN, PURGED, STEPS, World};
use super::arguments::CompatibilityArguments;
use super::context::Context;
use super::output::{Output, table};
use super::session::{endpoint, run_failure, store_failure};
use super::{Exit, Failure};
use crate::client::{
    Authorization, BearerToken, Body, Exchange, Network, NetworkOptions, Outcome, ProxySettings,
};
use crate::clock::{Clock as _, SignedDuration, SystemClock, VirtualClock};
use crate::config::{self, TenantUrl};
use crate::directory::object::ObjectKind;
use crate::engine::{Purpose, RunState};
use crate::http::{Method, Request, Response};
use crate::runner::{Job, Mode, Watch};
use crate::scim::answer::ReadById;
use crate::scim::query::collection_path;
use crate::scim::style::Dialect;
use crate::scim::urn;
use crate::store::{Edit, Store};

/// The dialects that a server of today meets (`wire.md 0.3`).
const DIALECTS: [Dialect; 2] = [Dialect::Default, Dialect::Optscim];

/// The environment variable of the throw-away job's own token.
const TOKEN: &str = "TOKEN";

pub(super) fn run(context: &Context, arguments: &CompatibilityArguments) -> Result<Exit, Failure> {
    let server = Server::new(context.output, arguments)?;
    let mut columns = Vec::new();
    for dialect in DIALECTS {
        let tag = format!("{}{}", dialect.as_str(), SystemClock.now().strftime("%y%m%d%H%M%S"));
        columns.push((dialect, server.tell(dialect, &tag)?));
    }
    print(context.output, arguments.markdown, &columns)?;
    let worst = columns.iter().flat_map(|(_, verdicts)| verdicts).map(|verdict| verdict.grade).max();
    Ok(if worst.is_none_or(|worst| worst <= Grade::Tolerated) { Exit::Fine } else { Exit::Failed })
}

/// The server that the story is told to, for what is done outside of the story.
struct Server {
    url: TenantUrl,
    allow_remote: bool,
    token: Option<SecretString>,
    network: Network,
    authorization: Authorization,
    runtime: tokio::runtime::Runtime,
}

/// What the story knows of the server's resources.
#[derive(Default)]
struct Ids {
    /// The server's id of each person and group.
    by_name: BTreeMap<&'static str, String>,
    /// Everything that came to be, to be taken away at the end.
    made: Vec<(ObjectKind, String)>,
}

impl Server {
    fn new(output: Output, arguments: &CompatibilityArguments) -> Result<Self, Failure> {
        let usage = |message: String| Failure::new(Exit::Usage, message);
        let danger = "the story makes users and groups there, and takes away what it made";
        let url = endpoint(output, &arguments.url, arguments.allow_remote, danger)?;
        let token = arguments.token_env.as_deref().map(Context::token).transpose()?;
        let authorization = match &token {
            Some(token) => Authorization::Bearer(
                BearerToken::try_from(token.clone()).map_err(|error| usage(error.to_string()))?,
            ),
            None => Authorization::None,
        };
        let options = NetworkOptions::with_proxy(ProxySettings::from_environment());
        let network = Network::new(&options)
            .map_err(|error| usage("the network client can't be set up".to_owned()).because(&error))?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
                usage("the runtime for network requests can't be started".to_owned()).because(&error)
            })?;
        Ok(Self { url, allow_remote: arguments.allow_remote, token, network, authorization, runtime })
    }

    /// Tells the whole story in a dialect; the verdict on each step.
    fn tell(&self, dialect: Dialect, tag: &str) -> Result<Vec<Verdict>, Failure> {
        let mut ids = Ids::default();
        let told = self.tell_to_the_end(dialect, World::new(tag), &mut ids);
        // Whatever happened, nothing of ours stays.
        for (kind, id) in ids.made {
            self.ask(Method::Delete, &format!("{}/{id}", collection_path(kind)), None).ok();
        }
        // Equal servers should get equal tables: what is new in every telling is left out of their words.
        let plain = |remark: String| remark.replace(&format!(".{tag}"), "").replace(&format!(" {tag}"), "");
        let told = told?.into_iter();
        Ok(told.map(|verdict| Verdict { remark: plain(verdict.remark), ..verdict }).collect())
    }

    fn tell_to_the_end(
        &self,
        dialect: Dialect,
        mut world: World,
        ids: &mut Ids,
    ) -> Result<Vec<Verdict>, Failure> {
        let io = |error: std::io::Error| {
            Failure::new(Exit::Usage, "can't write to a temporary folder").because(&error)
        };
        let folder = tempfile::tempdir().map_err(io)?;
        let directory = folder.path().join("directory");
        std::fs::create_dir(&directory).map_err(io)?;
        let file = folder.path().join(config::FILE_NAME);
        std::fs::write(&file, self.configuration()).map_err(io)?;
        let (config, _) =
            config::load(&file).map_err(|findings| Failure::findings(Exit::Defect, findings))?;
        let job = config.jobs.first().ok_or_else(|| Failure::new(Exit::Defect, "the story has no job"))?;
        let environment = |name: &str| {
            if name == TOKEN {
                self.token.as_ref().map(|token| token.expose_secret().to_owned())
            } else {
                Context::env(name)
            }
        };
        let job =
            Job::new(&config, job, &environment).map_err(|error| run_failure(&error))?.speaking(dialect);
        let mut store = Store::open(&config.state_dir).map_err(|error| store_failure(&error))?;
        let clock = VirtualClock::new(SystemClock.now());

        self.make_known(&world, ids)?;
        let mut verdicts = Vec::new();
        for cycle in 1..=CYCLES {
            let before = world.clone();
            world.go_on(cycle);
            write_files(&directory, &world, &before).map_err(io)?;
            if cycle == CYCLES {
                // Deleted for good while in scope: what makes Entra send a DELETE (`wire.md 5.2`).
                store.edit(ObjectKind::User, &world.id(PURGED), &Edit::Purge, clock.now()).map_err(
                    |error| Failure::new(Exit::Defect, "the story can't be edited").because(&error),
                )?;
            }
            let states_before = self.read_all(ids);
            let mut watch = Heard::default();
            let result = job
                .cycle(&mut store, &clock, Purpose::CycleByHand, Mode::Real, &mut watch)
                .map_err(|error| run_failure(&error))?;
            ids.learn(&before, &world, &watch.0);
            if result.state == RunState::Failed && cycle == 1 {
                let error = &result.statistics.error;
                return Err(Failure::new(
                    Exit::Target,
                    format!("the server is refused at the probe: {}: {}", error.code, error.message),
                ));
            }
            let states_after = self.read_all(ids);
            for step in STEPS.iter().filter(|step| step.cycle == cycle) {
                let exchanges = writes_of(&watch.0, &world.id(step.who), step.method);
                let was = if cycle == 1 { None } else { before.wanted(step.who, &ids.by_name) };
                let change = Change::between(was.as_ref(), world.wanted(step.who, &ids.by_name).as_ref());
                let after = states_after.get(step.who).unwrap_or(&State::Gone);
                verdicts.push(judge(
                    &exchanges,
                    &narrowed(change, step.method, cycle),
                    states_before.get(step.who),
                    after,
                ));
            }
            clock.advance(SignedDuration::from_mins(40));
        }
        Ok(verdicts)
    }

    /// The throw-away job. Texts are quoted by the TOML library.
    fn configuration(&self) -> String {
        let mut job = toml::toml! {
            name = "compatibility"
            scope = "all"
        };
        job.insert("tenant_url".to_owned(), self.url.base().into());
        job.insert("allow_remote".to_owned(), self.allow_remote.into());
        if self.token.is_some() {
            job.insert("token".to_owned(), toml::toml! { env = "TOKEN" }.into());
        }
        let mut config = toml::toml! {
            [directory]
            path = "directory"
        };
        config.insert("job".to_owned(), toml::Value::Array(vec![job.into()]));
        config.to_string()
    }

    /// Makes the account that is there before the story begins.
    fn make_known(&self, world: &World, ids: &mut Ids) -> Result<(), Failure> {
        let name = world.principal(KNOWN).to_uppercase();
        let body = json!({ "schemas": [urn::USER], "userName": name, "active": true });
        let answer = self
            .ask(Method::Post, collection_path(ObjectKind::User), Some(&body))
            .map_err(|why| Failure::new(Exit::Target, format!("the server can't be reached: {why}")))?;
        if matches!(answer.status, 401 | 403) {
            let help = "name the environment variable with the bearer token: `--token-env NAME`";
            return Err(
                Failure::new(Exit::Target, format!("the server refuses us: {}", answer.status)).help(help)
            );
        }
        let made: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let (true, Some(id)) = (answer.is_success(), made.get("id").and_then(Value::as_str)) {
            ids.by_name.insert(KNOWN, id.to_owned());
            ids.made.push((ObjectKind::User, id.to_owned()));
        }
        Ok(())
    }

    /// What the server holds of everybody it has an id for.
    fn read_all(&self, ids: &Ids) -> BTreeMap<&'static str, State> {
        let read = |(who, id): (&&'static str, &String)| {
            let path = format!("{}/{id}", collection_path(World::kind(who)));
            let state = match self.ask(Method::Get, &path, None) {
                Err(why) => State::Unreadable(why),
                Ok(answer) => match ReadById::of(&answer) {
                    ReadById::There(resource) => State::There(flat(&resource)),
                    ReadById::Gone => State::Gone,
                    ReadById::Unreadable(why) => State::Unreadable(why),
                },
            };
            (*who, state)
        };
        ids.by_name.iter().map(read).collect()
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response, String> {
        let mut headers = vec![("Accept".to_owned(), "application/scim+json".to_owned())];
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/scim+json; charset=utf-8".to_owned()));
        }
        let url = format!("{}/{path}", self.url.base());
        let request = Request { method, url, headers, body: body.map(|body| body.to_string().into_bytes()) };
        let done = self.runtime.block_on(self.authorization.exchange(&self.network, request));
        done.answered.outcome.map_err(|error| error.to_string())
    }
}

impl Ids {
    /// Takes in what the cycle made: the ids in the answers to its creates.
    fn learn(&mut self, before: &World, world: &World, exchanges: &[Exchange]) {
        for exchange in exchanges.iter().filter(|exchange| exchange.request.method == "POST") {
            let (Outcome::Response(response), Some(object)) = (&exchange.outcome, &exchange.about.object)
            else {
                continue;
            };
            let Some(Body::Json(body)) = &response.body else { continue };
            let Some(id) = body.get("id").and_then(Value::as_str).filter(|_| response.status < 300) else {
                continue;
            };
            self.made.push((object.kind, id.to_owned()));
            let mut everybody = before.everybody().chain(world.everybody());
            if let Some(who) = everybody.find(|who| world.id(who) == object.source_id) {
                // Whoever is known keeps the account that was there: a second one is what must not be.
                self.by_name.entry(who).or_insert_with(|| id.to_owned());
            }
        }
    }
}

/// The requests by which a step is told; if there are none, whatever else was written about the object in their place.
fn writes_of<'e>(exchanges: &'e [Exchange], source_id: &str, method: Method) -> Vec<&'e Exchange> {
    let is_about = |exchange: &&Exchange| {
        exchange.request.method != Method::Get.as_str()
            && exchange.about.object.as_ref().is_some_and(|object| object.source_id == source_id)
    };
    let writes: Vec<&Exchange> = exchanges.iter().filter(is_about).collect();
    let (of_step, others): (Vec<_>, Vec<_>) =
        writes.into_iter().partition(|exchange| exchange.request.method == method.as_str());
    if of_step.is_empty() { others } else { of_step }
}

/// In the first cycle an object is created and then gets its references; each step is about one of the two.
fn narrowed(change: Change, method: Method, cycle: usize) -> Change {
    let Change::To(paths) = change else { return change };
    if cycle != 1 {
        return Change::To(paths);
    }
    let is_reference = |path: &str| path.starts_with("members[") || path.ends_with(":manager.value");
    let references = method == Method::Patch && paths.keys().any(|path| is_reference(path));
    Change::To(paths.into_iter().filter(|(path, _)| is_reference(path) == references).collect())
}

fn write_files(directory: &Path, world: &World, before: &World) -> std::io::Result<()> {
    for (name, rows) in world.files(before) {
        let mut file = csv::Writer::from_path(directory.join(name))?;
        for row in rows {
            file.write_record(row)?;
        }
        file.flush()?;
    }
    Ok(())
}

/// Keeps what was said.
#[derive(Default)]
struct Heard(Vec<Exchange>);

impl Watch for Heard {
    fn exchanged(&mut self, exchange: &Exchange) {
        self.0.push(exchange.clone());
    }
}

fn print(output: Output, markdown: bool, columns: &[(Dialect, Vec<Verdict>)]) -> Result<(), Failure> {
    let verdict = |column: &(Dialect, Vec<Verdict>), row: usize| column.1.get(row).cloned();
    if output.is_json() {
        let steps = STEPS.iter().enumerate().map(|(row, step)| {
            let dialects = columns.iter().filter_map(|column| {
                let verdict = verdict(column, row)?;
                let told = json!({
                    "verdict": verdict.grade.as_str(),
                    "remark": verdict.remark,
                    "requests": verdict.requests,
                });
                Some((column.0.as_str().to_owned(), told))
            });
            json!({ "step": step.title, "dialects": dialects.collect::<serde_json::Map<_, _>>() })
        });
        return output.json(&json!({ "steps": steps.collect::<Vec<_>>() }));
    }
    let cell = |verdict: &Verdict| match (verdict.grade, verdict.remark.as_str()) {
        (grade, "") => grade.as_str().to_owned(),
        (grade @ (Grade::Refused | Grade::Corrupted), remark) if markdown => {
            format!("**{}**: {}", grade.as_str(), escaped(remark))
        }
        (grade, remark) if markdown => format!("{}: {}", grade.as_str(), escaped(remark)),
        (grade, remark) => format!("{}: {remark}", grade.as_str()),
    };
    let rows = STEPS.iter().enumerate().map(|(row, step)| {
        let cells = columns.iter().filter_map(|column| verdict(column, row)).map(|verdict| cell(&verdict));
        std::iter::once(step.title.to_owned()).chain(cells).collect::<Vec<_>>()
    });
    let headings: Vec<&str> =
        std::iter::once("step").chain(columns.iter().map(|(dialect, _)| dialect.as_str())).collect();
    if markdown {
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        output.text(&line(&headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>()))?;
        output.text(&line(&vec!["---".to_owned(); headings.len()]))?;
        for row in rows {
            output.text(&line(&row))?;
        }
        return Ok(());
    }
    output.text(&table(&headings, rows))
}

/// A server's words as they may stand in a cell of a Markdown table.
fn escaped(text: &str) -> String {
    text.replace(['\r', '\n'], " ").replace('|', "\\|").replace('<', "&lt;")
}
