//! What becomes of failures: the choices about retries, quarantine and the deletion guard (`engine.md 5` to 7, 14).

use std::num::{NonZeroU8, NonZeroU64};

use jiff::SignedDuration;

use super::convert::Converter;
use super::raw::RawFidelity;
use super::words::{word_or, words};

words! {
    /// When a failed object is tried again (`engine.md 5.3`, E-149).
    pub enum EscrowSchedule {
        /// In the next cycle, 6, 12 and 24 hours after the first failure, then every 24 hours.
        DocCurrent = "doc-current",
        /// 2, 6, 12, 24, 48, 96 and 168 hours after the first failure, then no more: the article of 2022.
        Doc2022 = "doc-2022",
        /// In every cycle.
        EveryCycle = "every-cycle",
    }
}

words! {
    /// When a quarantined job is tried again (`engine.md 14` C3, E-171).
    pub enum QuarantineSchedule {
        /// 30 minutes after the last attempt, then twice as long each time, at most a day.
        Backoff = "backoff",
        /// 6, 12 and 24 hours after the first failure, then every 24 hours.
        Doc = "doc",
    }
}

words! {
    /// Over which events the share of failures is taken (README of the sheets, failure share; E-164).
    pub enum ShareWindow {
        /// Those of the cycle.
        Cycle = "cycle",
        /// The open failures, and what succeeded since the last restart.
        SinceRestart = "since_restart",
    }
}

words! {
    /// What too many failures of an initial cycle lead to (`engine.md 14` C8, E-167).
    pub enum InitialThreshold {
        /// They are dropped, the cycle ends, and the job is paused.
        Prune = "prune",
        /// Quarantine, as in any other cycle.
        Quarantine = "quarantine",
    }
}

words! {
    /// What the schedule of a job shows that a long quarantine has ended (`engine.md 14` C22, E-005).
    pub enum LimitState {
        /// `Disabled`.
        Disabled = "Disabled",
        /// `Paused`.
        Paused = "Paused",
    }
}

words! {
    /// The action of a removal that the deletion guard holds back (E-183).
    pub enum StagedName {
        /// `StagedDelete`.
        Delete = "StagedDelete",
        /// `StagedAction`.
        Action = "StagedAction",
    }
}

/// The choices about failures; keys of `[job.fidelity]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures {
    /// When a failed object is tried again.
    pub escrow_schedule: EscrowSchedule,
    /// How long after its first failure an object is still tried again (E-148).
    pub escrow_give_up: SignedDuration,
    /// When a quarantined job is tried again.
    pub quarantine_schedule: QuarantineSchedule,
    /// How long a quarantine lasts before the job is disabled (E-173).
    pub quarantine_limit: SignedDuration,
    /// Whether an attempt in quarantine also retries the objects in escrow that are due (C21, E-276).
    pub escrows_in_quarantine: bool,
    /// With fewer failures without references the share is not looked at (E-158).
    pub min_failures: NonZeroU64,
    /// The share of failed events that must be exceeded, in percent (E-159).
    pub proportion: NonZeroU8,
    /// The failures without references that must be exceeded (E-160).
    pub base_limit: NonZeroU64,
    /// The failures with references that must be exceeded (E-161).
    pub total_limit: NonZeroU64,
    /// Divides the three numbers above, so that a small directory can show quarantine (C23, E-277).
    pub scale: NonZeroU64,
    /// Over which events the share is taken.
    pub share_window: ShareWindow,
    /// What too many failures of an initial cycle lead to.
    pub initial_threshold_mode: InitialThreshold,
    /// What the schedule of a job shows that a long quarantine has ended.
    pub limit_state: LimitState,
    /// Whether the threshold of the deletion guard itself trips it (C9, E-181).
    pub delete_threshold_inclusive: bool,
    /// The action of a removal that is held back.
    pub staged_action_name: StagedName,
    /// Whether a restart with an empty scope drops the links too (C12, E-208).
    pub restart_clears_links: bool,
}

impl Failures {
    /// The recommended choices of August 2026.
    pub(super) const RECOMMENDED: Self = Self {
        escrow_schedule: EscrowSchedule::DocCurrent,
        escrow_give_up: FOUR_WEEKS,
        quarantine_schedule: QuarantineSchedule::Backoff,
        quarantine_limit: FOUR_WEEKS,
        escrows_in_quarantine: true,
        min_failures: NonZeroU64::new(5_000).expect("not zero"),
        proportion: NonZeroU8::new(40).expect("not zero"),
        base_limit: NonZeroU64::new(40_000).expect("not zero"),
        total_limit: NonZeroU64::new(60_000).expect("not zero"),
        scale: NonZeroU64::MIN,
        share_window: ShareWindow::Cycle,
        initial_threshold_mode: InitialThreshold::Prune,
        limit_state: LimitState::Disabled,
        delete_threshold_inclusive: false,
        staged_action_name: StagedName::Delete,
        restart_clears_links: false,
    };
}

/// The four weeks after which escrows are given up and quarantined jobs disabled (the quarantine article).
const FOUR_WEEKS: SignedDuration = SignedDuration::from_hours(28 * 24);

/// The choices as written, on those of an edition.
pub(super) fn failures(reader: &mut Converter<'_>, raw: &mut RawFidelity, base: &Failures) -> Failures {
    let number = |raw: Option<u32>, base| raw.and_then(|raw| NonZeroU64::new(raw.into())).unwrap_or(base);
    Failures {
        escrow_schedule: word_or(raw.escrow_schedule.as_deref(), base.escrow_schedule),
        escrow_give_up: reader.duration(raw.escrow_give_up.take(), base.escrow_give_up),
        quarantine_schedule: word_or(raw.quarantine_schedule.as_deref(), base.quarantine_schedule),
        quarantine_limit: reader.duration(raw.quarantine_limit.take(), base.quarantine_limit),
        escrows_in_quarantine: raw.escrows_in_quarantine.unwrap_or(base.escrows_in_quarantine),
        min_failures: number(raw.min_failures, base.min_failures),
        proportion: reader.percent(raw.proportion.take(), base.proportion),
        base_limit: number(raw.base_limit, base.base_limit),
        total_limit: number(raw.total_limit, base.total_limit),
        scale: number(raw.scale, base.scale),
        share_window: word_or(raw.share_window.as_deref(), base.share_window),
        initial_threshold_mode: word_or(raw.initial_threshold_mode.as_deref(), base.initial_threshold_mode),
        limit_state: word_or(raw.limit_state.as_deref(), base.limit_state),
        delete_threshold_inclusive: raw.delete_threshold_inclusive.unwrap_or(base.delete_threshold_inclusive),
        staged_action_name: word_or(raw.staged_action_name.as_deref(), base.staged_action_name),
        restart_clears_links: raw.restart_clears_links.unwrap_or(base.restart_clears_links),
    }
}
