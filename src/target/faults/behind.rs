//! Reads that lag behind the writes.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::http::{Request, Response};
use crate::target::App;
use crate::target::content::Content;

/// Into so many parts the lag is divided: at most about so many states are remembered, each whole.
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
        let step = self.lag.checked_div(STATES).unwrap_or_default();
        let is_new = self.before.back().is_none_or(|(until, _)| step <= now.duration_since(*until));
        if is_new {
            self.before.push_back((now, app.content.clone()));
        }
    }

    /// The answer to a read from what there was; `None` when nothing has changed since.
    pub(super) fn read(&mut self, app: &mut App, request: &Request, now: Timestamp) -> Option<Response> {
        while self.before.front().is_some_and(|(until, _)| self.lag <= now.duration_since(*until)) {
            self.before.pop_front();
        }
        let (_, content) = self.before.front_mut()?;
        std::mem::swap(&mut app.content, content);
        let reply = app.handle(request, now);
        std::mem::swap(&mut app.content, content);
        Some(reply.response)
    }
}
