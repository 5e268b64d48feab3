//! What the oracle says of a scenario: of every cycle, where the file asks for it, and at the end of a step.

use super::{Play, PlayError};
use crate::diagnostic::Place;
use crate::oracle::{Finding, Report, Verdict};
use crate::runner::{Evidence, ReadBack, Seen};
use crate::scenario::expect::Miss;
use crate::scenario::model::OracleWord;

impl Play<'_> {
    /// Asks the oracle. Once it finds nothing, what it finds later began after that.
    pub(super) fn consult(&mut self) -> Result<Report, PlayError> {
        let read = if self.is_remote {
            let unreadable = |why: &str| PlayError::Edit(format!("the app can't be read back: {why}"));
            match self.job.read_back(&self.store, &self.clock)? {
                Seen::Read(read) => match read.gaps.first().filter(|_| !read.unread.is_empty()) {
                    Some(gap) => return Err(unreadable(gap)),
                    None => read,
                },
                Seen::Unreachable(why) => return Err(unreadable(&why)),
            }
        } else {
            ReadBack { resources: self.resources()?, ..ReadBack::default() }
        };
        if self.is_remote {
            self.read.extend(read.resources.iter().map(|(_, resource)| resource.clone()));
        }
        let exchanges = &self.stage.exchanges;
        let evidence = Evidence { exchanges, since: self.right_until };
        let report = self.job.compare(&self.store, &self.clock, &read, evidence)?;
        if report.is_clean() && report.waiting.is_empty() {
            self.right_until = exchanges.len();
        }
        Ok(report)
    }

    /// Asks the oracle after a cycle, where the scenario wants that; the first cycle that it finds fault with counts. A
    /// cycle that follows a clean one of the step, with nothing new in the directory and nothing sent, is clean too.
    pub(super) fn consult_after_cycle(&mut self) -> Result<(), PlayError> {
        let Some((place, word)) = self.scenario.oracle.clone().filter(|_| self.found.is_empty()) else {
            return Ok(());
        };
        let seq = self.store.last_seq()?;
        let mut since = self.stage.exchanges.iter().skip(self.right_until);
        if self.clean_at == Some(seq) && since.all(|exchange| exchange.about.object.is_none()) {
            return Ok(());
        }
        let report = self.consult()?;
        self.found = misses(&report, word, (&place, "oracle"));
        self.clean_at = self.found.is_empty().then_some(seq);
        Ok(())
    }
}

/// What the oracle found that it must not find, as what does not hold of the expectation with this place and key.
pub(super) fn misses(report: &Report, word: OracleWord, (place, key): (&Place, &str)) -> Vec<Miss> {
    let counts = |finding: &&Finding| match (word, finding.verdict) {
        (OracleWord::Strict, _) | (OracleWord::Clean | OracleWord::NoDefect, Verdict::Ours) => true,
        (OracleWord::Clean, verdict) => verdict == Verdict::App,
        (OracleWord::NoDefect, Verdict::App | Verdict::BlindSpot(_)) => false,
    };
    let expected = match word {
        OracleWord::Clean | OracleWord::Strict => "that the app holds what it should",
        OracleWord::NoDefect => "that nothing is a defect of ours",
    };
    let miss = |finding: &Finding| Miss {
        place: place.clone(),
        key: key.to_owned(),
        expected: expected.to_owned(),
        got: finding.to_string(),
        guilty: finding.guilty,
    };
    report.findings.iter().filter(counts).map(miss).collect()
}
