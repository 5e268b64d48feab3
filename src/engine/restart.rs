//! `restart`, with every reset criterion and what it does (`engine.md 9`).

use std::fmt;

use super::audit::Activity;
use super::context::EngineError;
use super::quarantine::Quarantine;
use super::spec::JobSpec;
use super::status;
use crate::clock::Timestamp;
use crate::store::{JobRow, Store, StoreError};

/// What a restart resets: `resetScope`, a combination of the published numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset(u32);

/// Names in the contract's spelling, and the published numbers.
const NAMES: [(&str, u32); 7] = [
    ("none", 0),
    ("connector-data-store", 1),
    ("escrows", 2),
    ("watermark", 4),
    ("quarantine-state", 8),
    ("full", 15),
    ("force-deletes", 32),
];

impl Reset {
    /// Nothing: the job is started.
    pub const NONE: Self = Self(0);
    /// Forgets which accounts belong to whom.
    pub const CONNECTOR_DATA_STORE: Self = Self(1);
    /// Drops open failures.
    pub const ESCROWS: Self = Self(2);
    /// Makes the next cycle an initial one.
    pub const WATERMARK: Self = Self(4);
    /// Lifts quarantine until the next cycle looks again.
    pub const QUARANTINE_STATE: Self = Self(8);
    /// The four above.
    pub const FULL: Self = Self(15);
    /// Sends the removals that the deletion guard holds back.
    pub const FORCE_DELETES: Self = Self(32);
    /// An empty scope, and Restart in the portal: quarantine, watermark and escrows.
    pub const EMPTY: Self = Self(14);

    /// Whether all of `part` is reset.
    pub fn contains(self, part: Self) -> bool {
        self.0 & part.0 == part.0
    }

    /// The number of it.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The scope of that name, in the contract's spelling or as Graph writes it: `quarantine-state`,
    /// `QuarantineState`.
    pub fn named(name: &str) -> Option<Self> {
        let plain = |text: &str| text.replace('-', "").to_ascii_lowercase();
        NAMES.iter().find(|(known, _)| plain(known) == plain(name)).map(|(_, number)| Self(*number))
    }

    /// Every name, as the contract spells them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

impl fmt::Display for Reset {
    /// As Graph writes it: the scopes apart from `full`, which is several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names =
            NAMES.iter().filter(|(_, number)| number.is_power_of_two() && self.contains(Self(*number)));
        let Some((first, _)) = names.next() else { return f.write_str("none") };
        f.write_str(first)?;
        names.try_for_each(|(name, _)| write!(f, ", {name}"))
    }
}

impl std::ops::BitOr for Reset {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a restart came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarted {
    /// Whether the next cycle is an initial one.
    pub initial: bool,
    /// Failures that are tried again no more.
    pub escrows_dropped: u64,
    /// Links forgotten.
    pub links_dropped: u64,
    /// Removals that were held back and are forgotten; the next full read counts anew (README of the sheets).
    pub staged_dropped: u64,
    /// The quarantine still in force.
    pub quarantine: Option<Quarantine>,
}

/// Clears quarantine and pause of a job, which goes on from its watermark (`engine.md 6.5`); the job as it was before,
/// `None` when it has never run.
pub fn start(store: &mut Store, name: &str, now: Timestamp) -> Result<Option<JobRow>, StoreError> {
    let Some(before) = store.job(name)? else { return Ok(None) };
    let mut job = before.clone();
    (job.disabled, job.quarantine) = (false, None);
    if before.quarantine.is_some() || before.disabled || before.paused {
        job.next_cycle = None;
    }
    store.step(|store| {
        store.add_audit(name, &Activity::Start.of_job(now, None, "The job was started"))?;
        store.set_paused(name, false)?;
        store.save_job(&job)
    })?;
    Ok(Some(before))
}

/// Which of the two ways of stopping a job; they differ in what its schedule shows (`engine.md 0`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// `pause` of Graph: `Paused`.
    Pause,
    /// The portal's switch: `Disabled`.
    Off,
}

/// Lets a running cycle of a job end, and no further one start (`engine.md 6.5`); `false` when it has never run.
pub fn pause(store: &mut Store, name: &str, stop: Stop, now: Timestamp) -> Result<bool, StoreError> {
    store.step(|store| {
        let (known, details) = match stop {
            Stop::Pause => (store.set_paused(name, true)?, "The job was paused"),
            Stop::Off => (store.turn_off(name)?, "The job was turned off"),
        };
        if known {
            store.add_audit(name, &Activity::Pause.of_job(now, None, details))?;
        }
        Ok(known)
    })
}

/// Restarts a job; `None` when it has never run. The caller holds the job's lock.
pub fn restart(
    store: &mut Store,
    spec: &JobSpec,
    reset: Reset,
    now: Timestamp,
) -> Result<Option<Restarted>, EngineError> {
    let Some(mut job) = store.job(&spec.name)? else { return Ok(None) };
    let clears_links = reset.contains(Reset::CONNECTOR_DATA_STORE)
        || (reset == Reset::EMPTY && spec.rules.restart_clears_links);
    let reset = if clears_links { reset | Reset::CONNECTOR_DATA_STORE } else { reset };
    let open = store.open_failures(&spec.name)?;
    let linked = store.link_count(&spec.name, crate::directory::object::ObjectKind::User)?
        + store.link_count(&spec.name, crate::directory::object::ObjectKind::Group)?;
    let staged = store.staged(&spec.name)?.len();
    let quarantine = apply(&mut job, reset, now)?;
    let restarted = Restarted {
        initial: job.watermark.is_none(),
        escrows_dropped: if reset.contains(Reset::ESCROWS) { open.objects + open.references } else { 0 },
        links_dropped: if clears_links { linked } else { 0 },
        staged_dropped: if job.watermark.is_none() { u64::try_from(staged).unwrap_or(u64::MAX) } else { 0 },
        quarantine,
    };
    if clears_links {
        job.linked = (0, 0); // counted anew (`engine.md 9`)
    }
    store.step(|store| {
        if reset.contains(Reset::ESCROWS) {
            store.drop_escrows(&spec.name)?;
        }
        if clears_links {
            store.drop_links(&spec.name, now)?;
        }
        if job.watermark.is_none() {
            store.drop_staged_before(&spec.name, i64::MAX)?;
        }
        store.set_paused(&spec.name, false)?;
        store.add_audit(&spec.name, &Activity::Restart.of_job(now, None, reset.to_string()))?;
        store.save_job(&job)
    })?;
    Ok(Some(restarted))
}

/// What a reset does to the job itself; the quarantine that is left.
fn apply(job: &mut JobRow, reset: Reset, now: Timestamp) -> Result<Option<Quarantine>, EngineError> {
    let mut quarantine = status::quarantine(job)?;
    (job.disabled, job.escrows_pruned, job.exported) = (false, false, 0);
    if reset.contains(Reset::WATERMARK) {
        job.watermark = None;
    }
    if reset.contains(Reset::QUARANTINE_STATE) || reset == Reset::NONE {
        quarantine = None;
    }
    if reset.contains(Reset::FORCE_DELETES) {
        // The next cycle sends them, and lifts the quarantine at its end (README of the sheets).
        job.force_deletes = true;
        if let Some(quarantine) = &mut quarantine {
            quarantine.next_attempt = now;
        }
    }
    job.quarantine = quarantine.as_ref().map(serde_json::to_string).transpose()?;
    job.next_cycle = quarantine.as_ref().map(|quarantine| quarantine.next_attempt);
    Ok(quarantine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_their_published_numbers_and_combine() {
        crate::covers!("E-206", "E-209");
        let named = |name| Reset::named(name).unwrap().number();
        let numbers = [
            "none",
            "connector-data-store",
            "escrows",
            "watermark",
            "quarantine-state",
            "full",
            "force-deletes",
        ];
        assert_eq!(numbers.map(named), [0, 1, 2, 4, 8, 15, 32]);
        assert_eq!(
            [named("ConnectorDataStore"), named("QuarantineState"), named("ForceDeletes")],
            [1, 8, 32]
        );
        assert_eq!((Reset::WATERMARK | Reset::ESCROWS).number(), 6);
        assert_eq!(Reset::EMPTY, Reset::QUARANTINE_STATE | Reset::WATERMARK | Reset::ESCROWS);
        assert!(
            Reset::FULL.contains(Reset::CONNECTOR_DATA_STORE) && !Reset::FULL.contains(Reset::FORCE_DELETES)
        );
        assert_eq!(Reset::named("everything"), None);
        assert_eq!(Reset::EMPTY.to_string(), "escrows, watermark, quarantine-state");
        assert_eq!(Reset::NONE.to_string(), "none");
    }
}
