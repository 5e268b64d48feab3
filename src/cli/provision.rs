//! `provision`: one user or group on demand, step by step (`engine.md 8`).

use super::arguments::ProvisionArguments;
use super::context::Context;
use super::explain::property_text;
use super::failure::print_findings;
use super::session::{Session, engine_failure, find, read_directory, run_failure, store_failure};
use super::{Exit, Failure};
use crate::client::{Exchange, one_line};
use crate::clock::{Clock as _, SystemClock};
use crate::directory::import::ImportError;
use crate::directory::object::ObjectKind;
use crate::engine::entry::{Status, StepKind};
use crate::engine::on_demand::{CALLS_MAX, CALLS_WINDOW, Choice, Report, ReportStep, Unfit, admit, refused};
use crate::engine::spec::JobSpec;
use crate::engine::statistics::RunError;
use crate::engine::{Purpose, RunState};
use crate::runner::{Mode, Watch, has_to_be_stopped};
use crate::store::Resolved;

pub(super) fn run(context: &Context, arguments: &ProvisionArguments) -> Result<Exit, Failure> {
    let mut session = Session::open(context)?;
    let _lock = session.lock()?;
    let job = session.ready()?;
    refuse_while_started(&session)?;
    refuse_beyond_rate(&mut session)?;
    match read_directory(&mut session.store, &session.config, true) {
        Ok(read) if context.output.is_quiet() => drop(read),
        Ok(read) => print_findings(&read.warnings),
        Err(ImportError::Store(error)) => return Err(store_failure(&error)),
        Err(error) => {
            context.output.note("the files can't be used, so nothing was sent");
            return Err(Failure::findings(Exit::Usage, error.findings()));
        }
    }
    let spec = session.spec()?;
    let choice = choose(&session, &spec, arguments)?;
    let clock = session.store.clock().clone();
    let mut watch = Exchanges::default();
    let result = job
        .cycle(&mut session.store, &clock, Purpose::OnDemand(choice.clone()), Mode::Real, &mut watch)
        .map_err(|error| run_failure(&error))?;
    let report =
        Report::of(&spec, &session.store, &choice, result.cycle).map_err(|error| engine_failure(&error))?;
    let error = &result.statistics.error;
    if context.output.is_json() {
        let answer = report.as_ref().map_or_else(|| refused(&spec, error), |report| report.to_graph(&spec));
        context.output.json(&answer)?;
    } else {
        let mut lines = match &report {
            Some(report) => to_text(&spec, report),
            None => refusal_text(error),
        };
        lines.push(String::new());
        lines.extend(watch.0.iter().map(one_line));
        context.output.text(&lines.join("\n"))?;
    }
    Ok(match (result.state, report.map(|report| report.status)) {
        (RunState::Failed, _) => Exit::Target,
        (_, Some(Status::Failure)) => Exit::Failed,
        (_, Some(Status::Success | Status::Warning | Status::Skipped) | None) => Exit::Fine,
    })
}

fn refuse_while_started(session: &Session) -> Result<(), Failure> {
    let job = &session.job;
    if has_to_be_stopped(job, &session.store).map_err(|error| store_failure(&error))? {
        let message = format!(
            "job `{}` is started, and with OAuth an object is provisioned on demand only while the job is stopped",
            job.name
        );
        return Err(Failure::new(Exit::Usage, message)
            .help("`scimulator pause` stops it, and `scimulator start` lets it go on afterwards"));
    }
    Ok(())
}

/// Holds the command to the rate of Graph's call, where the job asks for that.
fn refuse_beyond_rate(session: &mut Session) -> Result<(), Failure> {
    if !session.job.fidelity.on_demand_rate {
        return Ok(());
    }
    // One process after the other counts here, so that it takes the wall clock to tell wire time.
    let wait = admit(&mut session.store, &session.job.name, SystemClock.now());
    match wait.map_err(|error| store_failure(&error))? {
        None => Ok(()),
        Some(wait) => {
            let message = format!(
                "429 TooManyRequests: job `{}` has had {CALLS_MAX} runs on demand in the last {} seconds",
                session.job.name,
                CALLS_WINDOW.as_secs()
            );
            let seconds = wait.as_secs().saturating_add(1);
            Err(Failure::new(Exit::Usage, message)
                .help(format!("try again after {seconds} s; `on_demand_rate = false` lifts the limit")))
        }
    }
}

/// The object and members that are meant.
fn choose(session: &Session, spec: &JobSpec, arguments: &ProvisionArguments) -> Result<Choice, Failure> {
    let store = &session.store;
    let text = arguments.object.as_str();
    let mut roles = session.config.app_roles.iter().map(|declared| &declared.role);
    let is_role = roles.any(|role| role.value == text || role.display_name == text);
    if is_role && store.resolve(text).map_err(|error| store_failure(&error))? == Resolved::Unknown {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{text}` is a role, and roles can't be provisioned on demand"),
        )
        .help("name a user or group that has it"));
    }
    let object = find(store, text, None)?;
    let mut members = Vec::new();
    for member in &arguments.member {
        members.push(find(store, member, None)?.id);
    }
    Choice::new(spec, store, (object.kind, &object.id), &members).map_err(|unfit| {
        let failure = Failure::new(Exit::Usage, unfit.to_string());
        match unfit {
            Unfit::Engine(error) => engine_failure(&error),
            Unfit::Deleted { .. } | Unfit::Disabled { .. } => {
                failure.help("what becomes of its account is for the next cycle: `scimulator plan` shows it")
            }
            Unfit::NoGroups { .. } => failure.help("`groups = true` in the job's configuration turns it on"),
            Unfit::NotAMember { .. } => failure.help("`scimulator directory show` lists a group's members"),
            Unfit::TooManyMembers { .. } => failure.help("take them in several calls, or run a cycle"),
            Unfit::NoMembers { .. } | Unfit::NestedGroup { .. } | Unfit::Unknown { .. } => failure,
        }
    })
}

fn refusal_text(error: &RunError) -> Vec<String> {
    vec![
        "TEST CONNECTION: failure".to_owned(),
        format!("  {}: {}", error.code, error.message.replace('\n', "\n  ")),
        String::new(),
        "nothing else was tried".to_owned(),
    ]
}

/// The steps as the page shows them; the test of the connection only when it failed.
fn to_text(spec: &JobSpec, report: &Report) -> Vec<String> {
    let mut lines = vec![
        format!("{} {} ({}) on demand in job {}", report.kind, report.label, report.source_id, spec.name),
        String::new(),
    ];
    section(&mut lines, "IMPORT", report.steps_of(StepKind::Import), "not done");
    section(&mut lines, "SCOPE", report.steps_of(StepKind::Scoping), "not looked at");
    let unmatched = match (&report.target_id, report.status) {
        (Some(target_id), _) => format!("not needed, it is linked to the account {target_id}"),
        (None, Status::Skipped) => "not looked for".to_owned(),
        (None, Status::Success | Status::Warning | Status::Failure) => "none found".to_owned(),
    };
    section(&mut lines, "MATCH", report.steps_of(StepKind::Matching), &unmatched);
    lines.push(format!("ACTION: {}, {}", report.action.as_str(), report.status.as_str()));
    for kind in [StepKind::Processing, StepKind::ReferenceResolution, StepKind::Export] {
        for step in report.steps_of(kind) {
            step_lines(&mut lines, step);
        }
    }
    if let Some(error) = &report.error_information {
        lines.push(format!("  {}", error.reason.replace('\n', "\n  ")));
    }
    lines.extend(report.modified_properties.iter().map(|property| format!("  {}", property_text(property))));
    if report.kind == ObjectKind::Group && report.target_id.is_some() {
        lines.push("  of its members only those that were named are looked at".to_owned());
    }
    lines
}

fn section<'s>(
    lines: &mut Vec<String>,
    heading: &str,
    steps: impl Iterator<Item = &'s ReportStep>,
    otherwise: &str,
) {
    let steps: Vec<&ReportStep> = steps.collect();
    lines.push(match steps.last() {
        Some(step) => format!("{heading}: {}", step.status.as_str()),
        None => format!("{heading}: {otherwise}"),
    });
    for step in steps {
        step_lines(lines, step);
    }
    lines.push(String::new());
}

fn step_lines(lines: &mut Vec<String>, step: &ReportStep) {
    lines.push(format!("  {}", step.description));
    lines.extend(step.details.iter().map(|(name, text)| format!("    {name}: {text}")));
}

/// Keeps what was sent.
#[derive(Default)]
struct Exchanges(Vec<Exchange>);

impl Watch for Exchanges {
    fn exchanged(&mut self, exchange: &Exchange) {
        self.0.push(exchange.clone());
    }
}
