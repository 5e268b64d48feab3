//! `scenario new --from`: a recording becomes a scenario, and is played once.

use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

use serde_json::json;

use super::written;
use crate::cli::arguments::ScenarioNewArguments;
use crate::cli::context::Context;
use crate::cli::failure::print_findings;
use crate::cli::init::write_new;
use crate::cli::output::{counted, warn};
use crate::cli::session::{Session, run_failure};
use crate::cli::{Exit, Failure};
use crate::client::{Exchange, Filter, JournalError, Pseudonyms, file_name, read};
use crate::config::{Config, FILE_BYTES_MAX, JobConfig, ScopeMode};
use crate::private;
use crate::runner::{imported_schema, journal_folder};
use crate::scenario::report::{to_json, to_text};
use crate::scenario::{self, Options, RecordError, Recording, scenario_of};
use crate::scim::style::Dialect;

/// What `--from` says for the journal of a configured job.
const OWN: &str = "journal";

/// So many lines that are no records are told one by one; of the rest, the number. A crash cuts off one.
const TORN_TOLD_MAX: usize = 3;

/// The keys of a job that a recording does not imply.
const KEPT: [&str; 3] = ["interval", "groups", "fidelity"];

/// Where exchanges come from, and what is known of their job.
struct Source {
    /// The journal.
    path: PathBuf,
    /// What people call it.
    name: String,
    head: toml::Table,
    pseudonyms: Option<Pseudonyms>,
    notes: Vec<String>,
}

pub(super) fn new(
    context: &Context,
    arguments: &ScenarioNewArguments,
    from: &Path,
    file: &Path,
) -> Result<Exit, Failure> {
    let source = if from == Path::new(OWN) {
        of_job(context, arguments, file)?
    } else {
        of_file(context, arguments, from, file)?
    };
    let (mut exchanges, mut notes) = (exchanges(&source)?, source.notes);
    let seen = span(&exchanges);
    if let Some(pseudonyms) = &source.pseudonyms {
        exchanges = exchanges.iter().map(|exchange| pseudonyms.exchange(exchange)).collect();
    }
    let cycles = arguments.cycle.map(|cycle| cycle..=cycle).or_else(|| arguments.cycles.clone());
    let recording = Recording {
        file: file.to_owned(),
        title: title(&source.name, cycles.as_ref(), seen.as_ref()),
        head: source.head,
        exchanges,
        cycles: cycles.clone().unwrap_or(0..=u64::MAX),
    };
    let recorded = in_folder_of(file, || {
        let recorded =
            scenario_of(&recording).map_err(|error| refused(error, &source.path, cycles.as_ref(), seen))?;
        if u64::try_from(recorded.text.len()).is_ok_and(|bytes| bytes <= FILE_BYTES_MAX) {
            return Ok(recorded);
        }
        let message = format!("the recording makes a scenario of more than {FILE_BYTES_MAX} bytes");
        Err(Failure::new(Exit::Usage, message).help("take fewer cycles: `--cycle N`, `--cycles A..B`"))
    })?;
    let outcome = if source.pseudonyms.is_some() {
        write_new(file, &recorded.text)
    } else {
        // As private as the journal that it comes of.
        private::write_new(file, recorded.text.as_bytes())
    };
    written(file, outcome)?;
    notes.extend(recorded.notes);
    let shown = file.display().to_string();
    let json = context.output.is_json();
    if !json {
        context.output.text(&shown)?;
        context.output.note(&format!(
            "{} of the recording, {}",
            counted(recorded.cycles, "cycle"),
            counted(recorded.requests, "request")
        ));
    }
    for note in &notes {
        warn(note);
    }
    if source.pseudonyms.is_none() {
        context
            .output
            .note("what the recording tells of people stands in it as it was recorded: of one that is not redacted yet, \
             `--redact` puts pseudonyms in place of personal data");
    }
    let (scenario, findings) = match scenario::load(file) {
        Ok(loaded) => loaded,
        Err(findings) => {
            print_findings(&findings);
            let message = format!("what the recording makes is no scenario yet; `{shown}` needs a hand");
            return Err(Failure::new(Exit::Failed, message));
        }
    };
    if !context.output.is_quiet() {
        print_findings(&findings);
    }
    let report = scenario::run(&scenario, &Options::embedded());
    let is_fine = report.is_fine();
    if json {
        context.output.json(&json!({
            "written": [shown],
            "cycles": recorded.cycles,
            "requests": recorded.requests,
            "notes": notes,
            "replay": to_json(std::slice::from_ref(&report)),
        }))?;
    } else {
        context.output.text(&to_text(&report))?;
    }
    if !is_fine {
        warn(
            "against the embedded app it does not go as the recording went; docs/scenarios.md says what that may mean",
        );
    }
    Ok(if is_fine { Exit::Fine } else { Exit::Failed })
}

/// Does something for which the folder of a file has to be there: paths lead through it. Where nothing comes of it,
/// the folders that were not there go again.
fn in_folder_of<T>(file: &Path, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let folders = file.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    // The innermost first.
    let made: Vec<&Path> = folders.take_while(|folder| !folder.exists()).collect();
    if let Some(folder) = made.first() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::new(Exit::Usage, format!("can not make the folder `{}`", folder.display()))
                .because(&error)
        })?;
    }
    let outcome = work();
    if outcome.is_err() {
        // Somebody else may have put something there meanwhile: then it stays.
        made.iter().try_for_each(std::fs::remove_dir).ok();
    }
    outcome
}

fn refused(
    error: RecordError,
    path: &Path,
    wanted: Option<&RangeInclusive<u64>>,
    seen: Option<RangeInclusive<u64>>,
) -> Failure {
    match error {
        RecordError::Job(findings) => Failure::findings(Exit::Usage, findings),
        RecordError::Nothing => {
            let failure = |why: &str| Failure::new(Exit::Usage, format!("`{}`: {why}", path.display()));
            let Some(seen) = seen else {
                return failure(&error.to_string())
                    .help("a cycle writes it: `scimulator cycle`, or the service");
            };
            let has = format!("it has the cycles {} to {}", seen.start(), seen.end());
            match wanted {
                Some(wanted) if wanted.end() < seen.start() || seen.end() < wanted.start() => {
                    failure("the recording has no such cycle").help(has)
                }
                Some(_) => failure("the recording shows no user and no group in what was chosen of it")
                    .help(format!("{has}; some may be nothing but probes, of which no scenario comes")),
                None => failure(&error.to_string()).help(has),
            }
        }
    }
}

/// The first and the last cycle of a recording.
fn span(exchanges: &[Exchange]) -> Option<RangeInclusive<u64>> {
    let numbers = || exchanges.iter().filter_map(|exchange| exchange.about.cycle);
    Some(numbers().min()?..=numbers().max()?)
}

fn title(name: &str, wanted: Option<&RangeInclusive<u64>>, seen: Option<&RangeInclusive<u64>>) -> String {
    let (first, last) = match (wanted, seen) {
        (Some(wanted), Some(seen)) => (*wanted.start().max(seen.start()), *wanted.end().min(seen.end())),
        (None, Some(seen)) => (*seen.start(), *seen.end()),
        (_, None) => (0, 0),
    };
    if first == last {
        format!("Recording of {name}, cycle {first}")
    } else {
        format!("Recording of {name}, cycles {first} to {last}")
    }
}

/// The journal of the configured job.
fn of_job(context: &Context, arguments: &ScenarioNewArguments, file: &Path) -> Result<Source, Failure> {
    refuse_app(arguments)?;
    let session = Session::look(context)?;
    let Session { config, job, store } = &session;
    let mut notes = Vec::new();
    if imported_schema(job, store).map_err(|error| run_failure(&error))?.is_some() {
        notes.push(
            "the job has an imported schema, which a scenario can't have: it is read by the profile"
                .to_owned(),
        );
    }
    let pseudonyms = if arguments.redact {
        Some(Pseudonyms::kept_in(&config.state_dir).map_err(|error| {
            Failure::new(Exit::Usage, "the key of the pseudonyms can't be had").because(&error)
        })?)
    } else {
        None
    };
    Ok(Source {
        path: journal_folder(config).join(file_name(&job.name)),
        name: format!("job `{}`", job.name),
        head: head_of(config, job, file)?,
        pseudonyms,
        notes,
    })
}

/// A configuration says which app a job is for.
fn refuse_app(arguments: &ScenarioNewArguments) -> Result<(), Failure> {
    if arguments.app.is_none() {
        return Ok(());
    }
    let help = "`--app` is for a journal's file whose configuration is not at hand";
    Err(Failure::new(Exit::Usage, "the configuration says which app the job is for, `--app` does too")
        .help(help))
}

/// A journal that came by itself; its job is like the one that is named, if one is.
fn of_file(
    context: &Context,
    arguments: &ScenarioNewArguments,
    path: &Path,
    file: &Path,
) -> Result<Source, Failure> {
    if path.is_dir() {
        let failure = Failure::new(Exit::Usage, format!("`{}` is a folder, and no journal", path.display()));
        return Err(failure.help("name the file in it: a journal ends in `.jsonl`"));
    }
    if !path.is_file() {
        let help = "`--from journal` is the journal of the configured job; its files end in `.jsonl`";
        return Err(Failure::new(Exit::Usage, format!("there is no file `{}`", path.display())).help(help));
    }
    let global = context.global();
    let mut head = toml::Table::new();
    if global.config.is_some() || global.job.is_some() {
        refuse_app(arguments)?;
        let config = context.config()?;
        head = head_of(&config, context.job(&config)?, file)?;
    }
    if let Some(app) = &arguments.app {
        head.insert("app".to_owned(), app.clone().into());
    }
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Source {
        path: path.to_owned(),
        name: format!("`{name}`"),
        head,
        pseudonyms: arguments.redact.then(Pseudonyms::of_one_run),
        notes: Vec::new(),
    })
}

/// Every whole record.
fn exchanges(source: &Source) -> Result<Vec<Exchange>, Failure> {
    let failed = |error: &JournalError| {
        Failure::new(Exit::Usage, format!("`{}` can't be read", source.path.display())).because(error)
    };
    let (mut exchanges, mut torn) = (Vec::new(), Vec::new());
    for exchange in read(&source.path, Filter::all()).map_err(|error| failed(&error))? {
        match exchange {
            Ok(exchange) => exchanges.push(exchange),
            Err(error @ JournalError::Torn { .. }) => torn.push(error.to_string()),
            Err(error) => return Err(failed(&error)),
        }
    }
    if exchanges.is_empty() && !torn.is_empty() {
        let message = format!("`{}` is no journal: no line of it is a record", source.path.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    torn.iter().take(TORN_TOLD_MAX).for_each(|line| warn(line));
    let rest = torn.len().saturating_sub(TORN_TOLD_MAX);
    if 0 < rest {
        warn(&format!("of its other lines, {rest} are no whole records either; they were skipped"));
    }
    Ok(exchanges)
}

/// What a scenario takes over of the job. Scope filters and the deletion guard are left out: what the recording shows
/// was in scope, and was let through.
fn head_of(config: &Config, job: &JobConfig, file: &Path) -> Result<toml::Table, Failure> {
    let unreadable = || Failure::new(Exit::Usage, format!("can not read `{}`", config.file.display()));
    let text = std::fs::read_to_string(&config.file).map_err(|error| unreadable().because(&error))?;
    let whole: toml::Table = toml::from_str(&text).map_err(|error| unreadable().because(&error))?;
    let written = whole.get("job").and_then(toml::Value::as_array).into_iter().flatten();
    let is_it = |one: &&toml::Table| one.get("name").and_then(toml::Value::as_str) == Some(&job.name);
    let written = written.filter_map(toml::Value::as_table).find(is_it).cloned().unwrap_or_default();
    let mut head = toml::Table::new();
    let of_directory = |key: &str| whole.get("directory").and_then(|directory| directory.get(key));
    for (key, value) in [
        ("app", written.get("app")),
        ("multi_valued", of_directory("multi_valued")),
        ("seed", of_directory("seed")),
        ("app_role", whole.get("app_role")),
    ] {
        if let Some(value) = value {
            head.insert(key.to_owned(), value.clone());
        }
    }
    let mut kept = toml::Table::new();
    if let Some(profile) = &job.profile {
        kept.insert("profile".to_owned(), relative(profile, file).display().to_string().into());
    }
    if job.scope == ScopeMode::All {
        kept.insert("scope".to_owned(), job.scope.as_str().into());
    }
    if job.skip_out_of_scope_deletions {
        kept.insert("skip_out_of_scope_deletions".to_owned(), true.into());
    }
    for key in KEPT {
        if let Some(value) = written.get(key) {
            kept.insert(key.to_owned(), value.clone());
        }
    }
    // The flags of the tenant URL are not in a scenario.
    if job.mappings.dialect.is_none() && job.dialect() != Dialect::Default {
        let fidelity = kept.entry("fidelity").or_insert_with(|| toml::Table::new().into());
        if let Some(fidelity) = fidelity.as_table_mut() {
            fidelity.insert("dialect".to_owned(), job.dialect().as_str().into());
        }
    }
    if !kept.is_empty() {
        head.insert("job".to_owned(), kept.into());
    }
    Ok(head)
}

/// A path as it reads from the folder of a file.
fn relative(path: &Path, file: &Path) -> PathBuf {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (path, file) = (absolute(path), absolute(file));
    let folder = file.parent().unwrap_or(Path::new(""));
    let shared = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}
