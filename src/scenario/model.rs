//! A scenario as values that cannot be wrong: every name known, every word one of its set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::snapshot::Snapshot;
use crate::clock::{SignedDuration, Timestamp};
use crate::config::Config;
use crate::config::words::{Word, words};
use crate::diagnostic::Place;
use crate::directory::object::ObjectKind;
use crate::engine::entry::{Action, Status};
use crate::engine::restart::Reset;
use crate::expression::AttributeValue;
use crate::target::{FaultWord, Preset, Which};

/// A scenario file, read and found right.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The file, as it was named.
    pub file: PathBuf,
    /// What it is about, in one line.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// When it begins, in virtual time.
    pub start: Timestamp,
    /// The steps, at least one.
    pub steps: Vec<Step>,
    /// What the oracle has to say after every cycle, and where that is written.
    pub(super) oracle: Option<(Place, OracleWord)>,
    /// The folder of its directory; `None` when that stands in the file.
    pub folder: Option<PathBuf>,
    /// The directory it begins with.
    pub(super) directory: Snapshot,
    /// Its one job.
    pub(super) config: Config,
}

impl Scenario {
    /// The name by which reports call it: the file's, without its ending.
    pub fn name(&self) -> String {
        self.file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
    }

    /// Why the scenario can only be run against the embedded app; `None` when it can be run against any.
    pub fn needs_embedded(&self) -> Option<String> {
        let faults = self.steps.iter().flat_map(|step| &step.faults);
        let target = faults.filter_map(|fault| match &fault.kind {
            FaultKind::Requests(rule) => Some(rule.word.as_str()),
            FaultKind::Account { fault, .. } => Some(fault.as_str()),
            FaultKind::Killed { unheard: true, .. } => Some(ProcessFault::KilledUnheard.as_str()),
            FaultKind::Killed { unheard: false, .. } => Some(ProcessFault::Killed.as_str()),
            FaultKind::None | FaultKind::Source(_) | FaultKind::Alive => None,
        });
        if let Some(first) = target.into_iter().next() {
            return Some(format!("the fault `{first}` needs the embedded app"));
        }
        let console = self.steps.iter().find_map(|step| step.console)?;
        Some(format!("`{console}` is for the console of the embedded app"))
    }
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// What it is about.
    pub title: Option<String>,
    pub(super) edits: Vec<Edit>,
    pub(super) faults: Vec<Fault>,
    pub(super) console: Option<AtConsole>,
    pub(super) action: Option<Act>,
    pub(super) time: Time,
    pub(super) expect: Vec<Expectation>,
}

words! {
    /// What somebody does to the job.
    pub enum Do {
        /// An initial cycle now.
        InitialCycle = "initial cycle",
        /// A cycle now, as by hand: what failed is tried again.
        Cycle = "cycle",
        /// A restart, of what `reset` names.
        Restart = "restart",
        /// Quarantine and pause are cleared.
        Start = "start",
        /// No further cycle starts.
        Pause = "pause",
        /// The removals that the deletion guard holds back may go.
        AllowDeletions = "allow deletions",
        /// They are dropped, and the job is restarted.
        RejectDeletions = "reject deletions",
        /// The newest token of the app's console becomes the job's.
        SetToken = "set token",
    }
}

words! {
    /// What the administrator of the embedded app does in its console, as far as the app has it.
    pub(super) enum AtConsole {
        /// Changes are rehearsed.
        TestModeOn = "test mode on",
        /// They are made.
        TestModeOff = "test mode off",
        /// Users come in by SCIM.
        Scim = "SCIM",
        /// They come in the app's other way.
        OtherMode = "other mode",
        /// They don't come in.
        Off = "provisioning off",
        /// A new token, which the job does not know yet; see `do = "set token"`.
        NewToken = "new token",
        /// No token is good any more.
        RevokeTokens = "revoke tokens",
    }
}

words! {
    /// Until when time moves.
    pub enum Until {
        /// The job is in quarantine.
        Quarantined = "job.quarantined",
        /// The job has run and is in no quarantine.
        Active = "job.active",
        /// A long quarantine has disabled the job.
        Disabled = "job.disabled",
        /// The job is paused.
        Paused = "job.paused",
        /// Nothing that failed waits for another try.
        Settled = "job.settled",
        /// Another cycle has run.
        Cycle = "job.cycle",
    }
}

/// What the app does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetFault {
    /// It does so no longer.
    None,
    /// Requests meet it.
    Requests(FaultWord),
    /// It happens to one account or group, at once.
    Account(AccountFault),
}

words! {
    /// What happens to one account or group of the app, out of band.
    pub enum AccountFault {
        /// It is gone, as if somebody had deleted it there.
        Forgets = "forgets",
        /// It is there under another id, as after a restored backup.
        Renumbers = "renumbers",
        /// Somebody changed it there.
        Edited = "edited",
        /// It is there twice, as after a backup that was restored into live data.
        Duplicated = "duplicated",
    }
}

/// `none`, and every fault of the two families.
#[expect(clippy::indexing_slicing, reason = "a constant is made before the program runs, or not at all")]
const TARGET_FAULTS: [TargetFault; 1 + FaultWord::ALL.len() + AccountFault::CHOICES.len()] = {
    let mut all = [TargetFault::None; 1 + FaultWord::ALL.len() + AccountFault::CHOICES.len()];
    let (mut at, mut next) = (0, 1);
    while at < FaultWord::ALL.len() {
        all[next] = TargetFault::Requests(FaultWord::ALL[at]);
        (at, next) = (at + 1, next + 1);
    }
    at = 0;
    while at < AccountFault::CHOICES.len() {
        all[next] = TargetFault::Account(AccountFault::CHOICES[at]);
        (at, next) = (at + 1, next + 1);
    }
    all
};

impl Word for TargetFault {
    const CHOICES: &'static [Self] = &TARGET_FAULTS;

    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Requests(fault) => fault.as_str(),
            Self::Account(fault) => fault.as_str(),
        }
    }
}

impl Word for Preset {
    const CHOICES: &'static [Self] = Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

words! {
    /// What is wrong with the source.
    pub enum SourceFault {
        /// Nothing any more.
        None = "none",
        /// It is not there.
        Missing = "missing",
        /// It ends in the middle.
        Truncated = "truncated",
        /// It is empty all of a sudden.
        Empty = "empty",
        /// Somebody is still writing it: its last line is no line yet.
        HalfWritten = "half_written",
        /// It shows what there was: edits come to be known when this ends.
        Stale = "stale",
    }
}

words! {
    /// What becomes of the process that runs the job. It is started again at once.
    pub enum ProcessFault {
        /// Nothing any more.
        None = "none",
        /// It is killed as a request is about to leave.
        Killed = "killed",
        /// It is killed after the app has done what was asked, before it has heard of that.
        KilledUnheard = "killed_unheard",
    }
}

words! {
    /// A method.
    pub(super) enum MethodWord {
        /// Read.
        Get = "GET",
        /// Create.
        Post = "POST",
        /// Change.
        Patch = "PATCH",
        /// Remove.
        Delete = "DELETE",
    }
}

words! {
    /// What the oracle has to say.
    pub(super) enum OracleWord {
        /// That nothing is missing, orphaned or drifted by anybody's fault.
        Clean = "clean",
        /// That nothing is, be it by a blind spot of Entra's.
        Strict = "strict",
        /// That nothing of it is a defect of ours; the app may be at fault.
        NoDefect = "no defect",
    }
}

words! {
    /// Codes of a job's status (`graph-api.md 3.2`).
    pub(super) enum JobStatus {
        /// It runs.
        Active = "Active",
        /// It is in quarantine.
        Quarantine = "Quarantine",
        /// It is paused, or has never begun.
        Paused = "Paused",
        /// It has begun, and no cycle has ended yet.
        NotRun = "NotRun",
        /// It has never begun, and nothing authorizes it.
        NotConfigured = "NotConfigured",
    }
}

words! {
    /// States of a job's schedule.
    pub(super) enum ScheduleState {
        /// Cycles start.
        Active = "Active",
        /// No cycle starts until somebody starts it.
        Paused = "Paused",
        /// A long quarantine has ended it, it is turned off, or it has never begun.
        Disabled = "Disabled",
    }
}

words! {
    /// Reasons of a quarantine, and none.
    pub(super) enum QuarantineWord {
        /// It is in none.
        None = "none",
        /// Credentials, connection, or no SCIM.
        Exception = "EncounteredQuarantineException",
        /// Too many failures without references.
        Base = "EncounteredBaseEscrowThreshold",
        /// Too many failures.
        Total = "EncounteredTotalEscrowThreshold",
        /// Too large a share.
        Proportion = "EncounteredEscrowProportionThreshold",
        /// The deletion guard.
        Deletes = "TooManyDeletes",
    }
}

words! {
    /// How a cycle ends.
    pub(super) enum RunWord {
        /// Nothing failed.
        Succeeded = "Succeeded",
        /// Objects failed.
        EntryLevelErrors = "EntryLevelErrors",
        /// A global failure.
        Failed = "Failed",
    }
}

/// Actions of the log, as words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ActionWord(pub(super) Action);

impl Word for ActionWord {
    const CHOICES: &'static [Self] = &[
        Self(Action::Create),
        Self(Action::Update),
        Self(Action::Disable),
        Self(Action::Delete),
        Self(Action::StagedDelete),
        Self(Action::StagedAction),
        Self(Action::Other),
    ];

    fn word(self) -> &'static str {
        self.0.as_str()
    }
}

/// Statuses of the log, as words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StatusWord(pub(super) Status);

impl Word for StatusWord {
    const CHOICES: &'static [Self] =
        &[Self(Status::Success), Self(Status::Warning), Self(Status::Failure), Self(Status::Skipped)];

    fn word(self) -> &'static str {
        self.0.as_str()
    }
}

/// What is done to the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    InitialCycle,
    Cycle,
    Restart(Reset),
    Start,
    Pause,
    AllowDeletions,
    RejectDeletions,
    SetToken,
}

/// How far time moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// Not at all.
    Stands,
    /// To a moment or until something holds, whatever comes first.
    Moves { to: Option<To>, until: Option<Until> },
}

/// A moment to which time moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// This far from the start.
    At(SignedDuration),
    /// This far from now.
    After(SignedDuration),
}

/// A user or group by what the file calls it: userPrincipalName, displayName or objectId.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) kind: ObjectKind,
    pub(super) name: String,
}

/// A change of the directory.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    pub(super) place: Place,
    pub(super) object: Named,
    pub(super) change: Change,
}

/// What of an object changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// It comes to be, with this objectId.
    Add {
        id: String,
        attributes: BTreeMap<String, AttributeValue>,
    },
    Set(BTreeMap<String, Option<AttributeValue>>),
    Delete,
    Restore,
    Purge,
    Assign {
        role: Option<String>,
        present: bool,
    },
    /// Members, by name, come or go.
    Members {
        names: Vec<String>,
        present: bool,
    },
}

/// Something that goes wrong, or no longer does.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) kind: FaultKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum FaultKind {
    /// The app is as it should be.
    None,
    /// Requests meet it.
    Requests(FaultRule),
    /// It happens to one account, at once.
    Account { fault: AccountFault, object: Named, set: Value },
    /// The source is so; `None` as it should be.
    Source(Option<SourceFault>),
    /// The process lives on.
    Alive,
    /// The process is killed around such a request; after it when the app has done it and nobody heard.
    Killed { unheard: bool, requests: Requests },
}

/// What requests meet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FaultRule {
    pub(super) word: FaultWord,
    pub(super) fault: crate::target::Fault,
    pub(super) requests: Requests,
}

/// Which requests; names are of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Requests {
    /// Paths and label follow from the two below when the fault begins.
    pub(super) which: Which,
    pub(super) path: Option<String>,
    pub(super) object: Option<Named>,
}

/// Something that must hold at the end of a step.
#[derive(Debug, Clone)]
pub(super) struct Expectation {
    pub(super) place: Place,
    /// The key as the file has it: `expect.requests[2]`.
    pub(super) key: String,
    pub(super) what: Wanted,
}

#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// All of these requests, each at its own place; in this order; no others.
    Requests {
        wanted: Vec<(Place, WantedRequest)>,
        ordered: bool,
        only: bool,
    },
    /// No such request.
    NoRequest(WantedRequest),
    /// An attribute of an account or group of the target.
    Attribute {
        object: Named,
        path: String,
        value: Value,
    },
    /// Whether an account or group is in the target.
    Present {
        object: Named,
        present: bool,
    },
    /// How many accounts or groups there are.
    Count(ObjectKind, u64),
    Status(JobStatus),
    Schedule(ScheduleState),
    Quarantine(QuarantineWord),
    /// How many failed objects and references wait for another try.
    Escrows(u64),
    /// How many are not tried again.
    GivenUp(u64),
    /// The error code of what failed, given up or not; `none` for nothing.
    Escrow {
        object: Named,
        code: Option<String>,
    },
    Held(u64),
    Cycles(u64),
    Result(RunWord),
    Log {
        entry: WantedEntry,
        present: bool,
    },
    /// What `until` waits for came to hold.
    Reached(Until),
    /// What the oracle says of all that the target holds.
    Oracle(OracleWord),
}

impl Wanted {
    /// Whether it is held against what the target holds.
    pub(super) fn needs_target(&self) -> bool {
        matches!(self, Self::Attribute { .. } | Self::Present { .. } | Self::Count(..))
    }
}

/// What a request must be like; what is `None` may be anything.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WantedRequest {
    pub(super) method: Option<MethodWord>,
    pub(super) path: Option<String>,
    pub(super) object: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) operations: Option<Vec<Value>>,
    /// Whether the operations count in sequence, which is how they are applied (RFC 7644 §3.5.2).
    pub(super) in_sequence: bool,
    pub(super) body: Option<Value>,
    pub(super) count: Option<usize>,
}

/// What an entry of the log must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WantedEntry {
    pub(super) object: Option<String>,
    pub(super) action: Option<Action>,
    pub(super) status: Option<Status>,
    pub(super) code: Option<String>,
}
