//! How far a cycle has come, for those who watch the job from outside: in pages of what it reads from the source
//! (`engine.md 1.6`, 10). References and removals come after the last page and are no pages of their own.

use super::{Cycle, Purpose, Stage};
use crate::engine::context::EngineError;
use crate::store::{Phase, Progress};

/// The pages of a cycle: of users, then of groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pages {
    users: u64,
    groups: u64,
    /// What was kept last: pages completed, and all.
    kept: (u64, u64),
}

impl Cycle<'_> {
    /// Counts the pages of the work that was planned.
    pub(super) fn count_pages(&mut self) -> Result<(), EngineError> {
        let size = self.context.spec.rules.page_size;
        self.pages.users = self.context.store.work_count(Phase::Users)?.div_ceil(size);
        self.pages.groups = self.context.store.work_count(Phase::Groups)?.div_ceil(size);
        self.keep_progress(0)
    }

    /// An object, or a probe, is done with.
    pub(super) fn one_done(&mut self) -> Result<(), EngineError> {
        self.done += 1;
        // There may be more than was planned: whoever refers to somebody who took over an account.
        self.total = self.total.max(self.done);
        let size = self.context.spec.rules.page_size;
        let (before, pages) = match self.stage {
            Stage::Objects(Phase::Users) => (0, self.pages.users),
            Stage::Objects(Phase::Groups) => (self.pages.users, self.pages.groups),
            Stage::Objects(_) | Stage::Import | Stage::Probe(_) | Stage::Over => return Ok(()),
        };
        let completed = if self.done == self.total { pages } else { self.done / size };
        self.keep_progress(before.saturating_add(completed))
    }

    /// Keeps how far the cycle has come, when that is news. A run that is no cycle is nobody's progress.
    fn keep_progress(&mut self, completed: u64) -> Result<(), EngineError> {
        match self.purpose {
            Purpose::Cycle | Purpose::CycleByHand | Purpose::InitialCycle => {}
            Purpose::TestConnection | Purpose::OnDemand(_) => return Ok(()),
        }
        let total = self.pages.users.saturating_add(self.pages.groups);
        if (completed, total) == self.pages.kept {
            return Ok(());
        }
        self.pages.kept = (completed, total);
        let progress = Progress { cycle: self.context.cycle, completed, total, at: self.context.now };
        Ok(self.context.store.save_progress(&self.context.spec.name, &progress)?)
    }
}
