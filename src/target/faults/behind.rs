//! Reads that lag behind the writes.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::http::{Request, Response};
use crate::target::App;
use crate::target::content::Content;

/// Into so many parts the lag is divided: at most one state more than that is remembered, each whole.
const STATES: i32 = 10;

/// What the app held before.
pub(super) struct Behind {
    lag: SignedDuration,
    /// States, each until when it was so; the oldest first.
    before: VecDeque<(Timestamp, Content)>,
}

impl Behind {
    pub(super) fn new(lag: SignedDuration) -> Self {
        Self { lag, before: VecDeque::new() }
    }

    /// Remembers what the app holds, since it is about to change.
    pub(super) fn remember(&mut self, app: &App, now: Timestamp) {
        self.forget(now);
        let step = self.lag.checked_div(STATES).unwrap_or_default();
        let is_new = self.before.back().is_none_or(|(until, _)| step <= now.duration_since(*until));
        if is_new {
            self.before.push_back((now, app.content.clone()));
        }
    }

    /// Forgets what no read shows any more.
    fn forget(&mut self, now: Timestamp) {
        while self.before.front().is_some_and(|(until, _)| self.lag <= now.duration_since(*until)) {
            self.before.pop_front();
        }
    }

    /// The answer to a read from what there was; `None` when nothing has changed since.
    pub(super) fn read(&mut self, app: &mut App, request: &Request, now: Timestamp) -> Option<Response> {
        self.forget(now);
        let (_, content) = self.before.front_mut()?;
        std::mem::swap(&mut app.content, content);
        let reply = app.handle(request, now);
        std::mem::swap(&mut app.content, content);
        Some(reply.response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;
    use crate::target::{AppOptions, Fault, FaultRule, FaultyApp, Which};

    /// A write every 10 seconds, of an app whose reads are 5 minutes behind.
    fn written(app: &mut FaultyApp, times: i64) {
        for at in 0..times {
            let request = Request {
                method: Method::Delete,
                url: "/scim/Users/nobody".to_owned(),
                headers: Vec::new(),
                body: None,
            };
            app.handle(&request, None, Timestamp::from_second(at * 10).unwrap());
        }
    }

    fn stale(which: Which) -> FaultyApp {
        let mut app = FaultyApp::new(App::new(AppOptions::default()), 7);
        app.break_it(FaultRule { fault: Fault::StaleReads { lag: SignedDuration::from_mins(5) }, which });
        app
    }

    #[test]
    fn an_app_that_is_never_read_remembers_no_more_than_the_lag() {
        let mut app = stale(Which::default());
        written(&mut app, 1_000);
        let held = app.rules[0].behind.as_ref().unwrap().before.len();
        assert!((9..=11).contains(&held), "{held}");
    }

    #[test]
    fn a_lag_that_is_over_remembers_nothing() {
        let mut app = stale(Which { times: Some(0), ..Which::default() });
        written(&mut app, 100);
        assert!(app.rules[0].behind.is_none());
    }
}
