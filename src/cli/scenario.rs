//! `scenario`: runs scenario files, lists them, writes one to start from or of a recording.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::arguments::{ScenarioCommand, ScenarioNewArguments, ScenarioRunArguments};
use super::context::Context;
use super::failure::print_findings;
use super::init::{quoted, write_new};
use super::output::{Output, table, warn};
use super::session::{endpoint, run_failure, stop_on_signals};
use super::{Exit, Failure, report_files};
use crate::client::Pseudonyms;
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::diagnostic::{Diagnostic, has_errors};
use crate::scenario::report::{annotations, annotations_of_findings, to_har, to_json, to_junit, to_text};
use crate::scenario::{self, Options, Scenario, Tally, Verdict};
use crate::stop::Stop;

mod recorded;

/// How often a watched file is looked at, in wire time.
const LOOK: std::time::Duration = std::time::Duration::from_millis(300);

pub(super) fn run(context: &Context, command: &ScenarioCommand) -> Result<Exit, Failure> {
    match command {
        ScenarioCommand::Run(arguments) if arguments.watch => watch(context, arguments),
        ScenarioCommand::Run(arguments) => {
            let scenarios = load(context, &arguments.paths)?;
            run_once(context, arguments, &scenarios, &stop_on_signals(context.output)?)
        }
        ScenarioCommand::List { paths } => list(context, paths),
        ScenarioCommand::New(arguments) => new(context, arguments),
    }
}

/// Every scenario of these paths. One that is none is an error, and then nothing is run.
fn load(context: &Context, paths: &[PathBuf]) -> Result<Vec<Scenario>, Failure> {
    let help = "scenarios are `.toml` files; write one with `scimulator scenario new NAME`";
    let files = scenario::files(paths).map_err(|(path, error)| {
        let failure = Failure::new(Exit::Usage, format!("can not read `{}`", path.display())).because(&error);
        if error.kind() == std::io::ErrorKind::NotFound { failure.help(help) } else { failure }
    })?;
    if files.is_empty() {
        return Err(Failure::new(Exit::Usage, "there is no scenario").help(help));
    }
    let (mut scenarios, mut findings): (Vec<Scenario>, Vec<Diagnostic>) = (Vec::new(), Vec::new());
    for file in &files {
        match scenario::load(file) {
            Ok((scenario, warnings)) => {
                scenarios.push(scenario);
                findings.extend(warnings);
            }
            Err(errors) => findings.extend(errors),
        }
    }
    if has_errors(&findings) {
        annotate(context, &annotations_of_findings(&findings))?;
        return Err(Failure::findings(Exit::Usage, findings));
    }
    if !context.output.is_quiet() {
        print_findings(&findings);
    }
    Ok(scenarios)
}

fn run_once(
    context: &Context,
    arguments: &ScenarioRunArguments,
    scenarios: &[Scenario],
    stop: &Stop,
) -> Result<Exit, Failure> {
    let output = context.output;
    let read: Vec<&Path> = scenarios.iter().map(|scenario| scenario.file.as_path()).collect();
    report_files::check(&[("--junit", arguments.junit.as_ref()), ("--har", arguments.har.as_ref())], &read)?;
    let options = Options { stop: stop.clone(), ..options(output, arguments)? };
    scenario::reach(scenarios, &options)
        .map_err(|error| run_failure(&error))?
        .map_err(|error| Failure::unreached(&error))?;
    let workers =
        arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    let mut failed = None;
    // The first that is not over is under way; with several workers others are, too.
    let mut next = scenarios.iter().map(Scenario::name);
    let total = u64::try_from(scenarios.len()).unwrap_or(u64::MAX);
    let bar = output.progress(&next.next().unwrap_or_default(), total);
    bar.tick();
    let reports = scenario::run_all(scenarios, &options, workers, &mut |report| {
        if !output.is_json()
            && let Err(failure) = bar.suspend(|| output.text(&to_text(report)))
        {
            failed.get_or_insert(failure);
        }
        bar.set_message(next.next().unwrap_or_default());
        bar.inc(1);
    });
    bar.finish_and_clear();
    if let Some(failure) = failed {
        return Err(failure);
    }
    if let Some(file) = &arguments.junit {
        report_files::write(file, &to_junit(&reports))?;
    }
    if let Some(file) = &arguments.har {
        report_files::write(file, &format!("{:#}\n", to_har(&reports)))?;
    }
    annotate(context, &annotations(&reports))?;
    if output.is_json() {
        output.json(&to_json(&reports))?;
    } else {
        output.text(&summary(Tally::of(&reports)))?;
    }
    if stop.is_asked() {
        return Ok(Exit::Interrupted);
    }
    if reports.iter().all(|report| matches!(report.verdict, Verdict::Skipped(_))) {
        warn("nothing was played: every scenario was skipped");
        return Ok(Exit::Failed);
    }
    let fine = reports.iter().all(scenario::Report::is_fine);
    Ok(if fine { Exit::Fine } else { Exit::Failed })
}

/// Tells GitHub Actions what to show at which line, where they run this.
fn annotate(context: &Context, annotations: &[String]) -> Result<(), Failure> {
    let in_github = Context::env("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    for line in annotations.iter().filter(|_| in_github) {
        if context.output.is_json() { warn(line) } else { context.output.text(line)? }
    }
    Ok(())
}

/// Every count that is not zero.
fn summary(tally: Tally) -> String {
    let all = tally.passed + tally.failed + tally.broken + tally.skipped;
    let counts = [
        (tally.passed, "passed"),
        (tally.failed, "failed"),
        (tally.broken, "broken"),
        (tally.skipped, "skipped"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| 0 < *count)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("\n{all} scenario{}: {}", if all == 1 { "" } else { "s" }, counts.join(", "))
}

fn options(output: Output, arguments: &ScenarioRunArguments) -> Result<Options, Failure> {
    let redact = arguments.redact.then(Pseudonyms::of_one_run);
    let Some(target) = &arguments.target else { return Ok(Options { redact, ..Options::embedded() }) };
    let danger = "scenarios make, disable and delete users and groups there";
    let url = endpoint(output, target, arguments.allow_remote, danger)?;
    let token = arguments.token_env.as_deref().map(Context::token).transpose()?;
    let prefix = format!("sc{:x}-", SystemClock.now().as_millisecond());
    Ok(Options { keep: arguments.keep, redact, ..Options::remote(url, token, &prefix) })
}

/// Runs again whenever something changes; ends only when it is stopped, or nobody reads.
fn watch(context: &Context, arguments: &ScenarioRunArguments) -> Result<Exit, Failure> {
    let stop = stop_on_signals(context.output)?;
    loop {
        let folders = folders(&arguments.paths);
        // Before they are read for the run: what is only half written by then changes once more.
        let before = stamps(&arguments.paths, &folders);
        let loaded = load(context, &arguments.paths);
        match loaded.and_then(|scenarios| run_once(context, arguments, &scenarios, &stop)) {
            Ok(Exit::Interrupted) => return Ok(Exit::Interrupted),
            Ok(_) => {}
            Err(failure) if failure.exit() == Exit::Fine => return Ok(Exit::Fine),
            Err(failure) => failure.print(context.global().format),
        }
        context.output.note("watching; stop with Ctrl-C");
        while stamps(&arguments.paths, &folders) == before {
            if stop.is_asked() {
                return Ok(Exit::Interrupted);
            }
            pause();
        }
    }
}

/// The folders that scenarios have their directories in.
fn folders(paths: &[PathBuf]) -> Vec<PathBuf> {
    let files = scenario::files(paths).unwrap_or_default();
    let scenarios = files.iter().filter_map(|file| scenario::load(file).ok());
    scenarios.filter_map(|(scenario, _)| scenario.folder).collect()
}

/// Every file that a run depends on, with its size and when it was written.
fn stamps(paths: &[PathBuf], folders: &[PathBuf]) -> Vec<(PathBuf, u64, Option<Timestamp>)> {
    let mut files = scenario::files(paths).unwrap_or_default();
    for folder in folders {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()));
    }
    files.sort();
    let stamp = |file: PathBuf| {
        let metadata = std::fs::metadata(&file).ok();
        let bytes = metadata.as_ref().map_or(0, std::fs::Metadata::len);
        (file, bytes, metadata.and_then(|metadata| Timestamp::try_from(metadata.modified().ok()?).ok()))
    };
    files.into_iter().map(stamp).collect()
}

#[expect(clippy::disallowed_methods, reason = "a person edits")]
fn pause() {
    std::thread::sleep(LOOK);
}

fn list(context: &Context, paths: &[PathBuf]) -> Result<Exit, Failure> {
    let scenarios = load(context, paths)?;
    if context.output.is_json() {
        let all: Vec<_> = scenarios
            .iter()
            .map(|scenario| {
                json!({
                    "name": scenario.name(),
                    "file": scenario.file.display().to_string(),
                    "title": scenario.title,
                    "description": scenario.description,
                    "steps": scenario.steps.len(),
                    "embeddedOnly": scenario.needs_embedded(),
                })
            })
            .collect();
        context.output.json(&json!({ "value": all }))?;
    } else {
        let has_namesake = |name: &str| 1 < scenarios.iter().filter(|other| other.name() == name).count();
        let name = |scenario: &Scenario| match scenario.name() {
            name if has_namesake(&name) => scenario.file.display().to_string(),
            name => name,
        };
        let rows = scenarios
            .iter()
            .map(|scenario| vec![name(scenario), scenario.steps.len().to_string(), scenario.title.clone()]);
        context.output.text(&table(&["name", "steps", "title"], rows))?;
    }
    Ok(Exit::Fine)
}

fn new(context: &Context, arguments: &ScenarioNewArguments) -> Result<Exit, Failure> {
    let name = &arguments.name;
    if name.to_string_lossy().chars().any(char::is_control) {
        let message =
            format!("`{}` can not be the name of a scenario", name.display().to_string().escape_debug());
        return Err(Failure::new(Exit::Usage, message).help("it holds a control character"));
    }
    let is_file = name.extension().is_some_and(|extension| extension == "toml");
    let file = if is_file {
        name.to_owned()
    } else {
        let mut file = Path::new("scenarios").join(name).into_os_string();
        file.push(".toml");
        PathBuf::from(file)
    };
    let shown = file.display().to_string();
    if file.exists() {
        return Err(Failure::new(Exit::Usage, format!("there is already a `{shown}`")));
    }
    if let Some(from) = &arguments.from {
        return recorded::new(context, arguments, from, &file);
    }
    let text = include_str!("scenario/new.toml").replace("{file}", &quoted(&shown));
    written(&file, write_new(&file, &text))?;
    if context.output.is_json() {
        context.output.json(&json!({ "written": [shown] }))?;
    } else {
        context.output.text(&shown)?;
        context.output.note(&format!("next: scimulator scenario run {}", quoted(&shown)));
    }
    Ok(Exit::Fine)
}

/// What is told of a file that could not be written.
fn written(file: &Path, outcome: std::io::Result<()>) -> Result<(), Failure> {
    outcome.map_err(|error| {
        Failure::new(Exit::Usage, format!("can not write `{}`", file.display())).because(&error)
    })
}
