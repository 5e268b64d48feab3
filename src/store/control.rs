//! Job time that stands still, and what a running service is asked to do.

use rusqlite::OptionalExtension as _;

use super::{Store, StoreError, moment, stamp};
use crate::clock::{JobClock, Timestamp, VirtualClock};

/// The name of virtual time among the values of the whole state.
const VIRTUAL_TIME: &str = "virtual_time";

impl Store {
    /// Job time of this state: the wall clock, or where virtual time stood when the state was opened or last moved
    /// through this handle.
    pub fn clock(&self) -> &JobClock {
        &self.clock
    }

    /// Where virtual time stands now, whoever moved it; `None` for a state that lives in real time.
    pub fn virtual_time(&self) -> Result<Option<Timestamp>, StoreError> {
        self.meta(VIRTUAL_TIME)?.map(|text| moment(&text)).transpose()
    }

    /// Lets job time stand still at `at`; `None` gives it back to the wall clock.
    pub fn set_virtual_time(&mut self, at: Option<Timestamp>) -> Result<(), StoreError> {
        self.set_meta(VIRTUAL_TIME, at.map(stamp).as_deref())?;
        self.clock = match at {
            Some(at) => JobClock::Virtual(VirtualClock::new(at)),
            None => JobClock::Real,
        };
        Ok(())
    }

    /// Moves virtual time on to `at`, where something in the state says that it was that late already; it is never
    /// moved back, and real time is left alone.
    pub fn reach_virtual_time(&mut self, at: Timestamp) -> Result<(), StoreError> {
        match self.virtual_time()? {
            Some(stands) if stands < at => self.set_virtual_time(Some(at)),
            Some(_) | None => Ok(()),
        }
    }

    /// The runs on demand of a job that are remembered, the oldest first, in wire time.
    pub fn calls(&self, job: &str) -> Result<Vec<Timestamp>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT at FROM on_demand_call WHERE job = ?1 ORDER BY at")?;
        let rows = statement.query_map([job], |row| row.get::<_, String>(0))?;
        rows.map(|at| moment(&at?)).collect()
    }

    /// Remembers a run on demand.
    pub fn add_call(&self, job: &str, at: Timestamp) -> Result<(), StoreError> {
        self.execute("INSERT INTO on_demand_call VALUES (?1, ?2)", [job, &stamp(at)])?;
        Ok(())
    }

    /// Forgets the runs on demand up to `since`, and those later than `until`.
    pub fn drop_calls_outside(
        &self,
        job: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM on_demand_call WHERE job = ?1 AND (at <= ?2 OR ?3 < at)",
            [job, &stamp(since), &stamp(until)],
        )?;
        Ok(())
    }

    /// Reads the clock of the state that was just opened.
    pub(super) fn read_clock(&mut self) -> Result<(), StoreError> {
        if let Some(at) = self.virtual_time()? {
            self.clock = JobClock::Virtual(VirtualClock::new(at));
        }
        Ok(())
    }

    /// Asks the service for something; the number of the command.
    pub fn ask_service(&self, asked: &str) -> Result<i64, StoreError> {
        self.execute("INSERT INTO command (asked) VALUES (?1)", [asked])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// The answer of the service; `None` as long as there is none.
    pub fn answer_of_service(&self, command: i64) -> Result<Option<String>, StoreError> {
        let answer: Option<Option<String>> = self
            .connection
            .prepare_cached("SELECT answer FROM command WHERE id = ?1")?
            .query_row([command], |row| row.get(0))
            .optional()?;
        Ok(answer.flatten())
    }

    /// The oldest command that is not carried out yet: its number and what is asked.
    pub fn next_command(&self) -> Result<Option<(i64, String)>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT id, asked FROM command WHERE answer IS NULL ORDER BY id LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    /// Answers a command.
    pub fn answer_command(&self, command: i64, answer: &str) -> Result<(), StoreError> {
        self.execute("UPDATE command SET answer = ?2 WHERE id = ?1", (command, answer))?;
        Ok(())
    }

    /// Drops one command, or all that were asked of a service that is gone.
    pub fn drop_commands(&self, one: Option<i64>) -> Result<(), StoreError> {
        self.execute("DELETE FROM command WHERE ?1 IS NULL OR id = ?1", [one])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock as _;

    #[test]
    fn virtual_time_is_kept_and_never_moved_back() {
        let folder = tempfile::tempdir().unwrap();
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let mut store = Store::open(folder.path()).unwrap();
        store.reach_virtual_time(at("2026-01-05T08:00:00Z")).unwrap();
        assert_eq!(store.virtual_time().unwrap(), None, "real time is left alone");
        store.set_virtual_time(Some(at("2026-01-05T08:00:00Z"))).unwrap();
        store.reach_virtual_time(at("2026-01-05T08:00:01.5Z")).unwrap();
        store.reach_virtual_time(at("2026-01-05T08:00:00Z")).unwrap();
        assert_eq!(store.clock().now(), at("2026-01-05T08:00:01.5Z"));

        let mut other = Store::open(folder.path()).unwrap();
        assert_eq!(other.clock().now(), at("2026-01-05T08:00:01.5Z"), "another process sees it");
        assert_eq!(other.copy().unwrap().clock().now(), at("2026-01-05T08:00:01.5Z"), "so does a plan");
        other.set_virtual_time(None).unwrap();
        assert!(matches!(Store::open(folder.path()).unwrap().clock(), JobClock::Real));
    }

    #[test]
    fn commands_are_carried_out_in_order_and_answered_once() {
        let store = Store::in_memory().unwrap();
        let (first, second) = (store.ask_service("a").unwrap(), store.ask_service("b").unwrap());
        assert_eq!(store.next_command().unwrap(), Some((first, "a".to_owned())));
        assert_eq!(store.answer_of_service(first).unwrap(), None);
        store.answer_command(first, "done").unwrap();
        assert_eq!(store.answer_of_service(first).unwrap().as_deref(), Some("done"));
        assert_eq!(store.next_command().unwrap(), Some((second, "b".to_owned())));
        store.drop_commands(Some(second)).unwrap();
        assert_eq!(store.next_command().unwrap(), None);
        store.drop_commands(None).unwrap();
        assert_eq!(store.answer_of_service(first).unwrap(), None);
    }
}
