//! What somebody else does to the app's content, past its front door: no token is asked for, no rules of the application
//! hold, and in Test Mode it is done all the same. What is rehearsed there follows, since it is what the app would hold.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::content::Content;
use super::draft::UnknownNames;
use super::edit::Verb;
use super::{App, ResourceKind};

impl App {
    /// The resource is gone; whether it was there.
    pub fn forget(&mut self, kind: ResourceKind, id: &str, now: Timestamp) -> bool {
        let is_done = self.content.remove(kind, id, now).is_ok();
        if let Some(rehearsal) = &mut self.rehearsal {
            rehearsal.remove(kind, id, now).ok();
        }
        is_done
    }

    /// The resource is there under another id, as after a restored backup; whether it was there.
    pub fn renumber(&mut self, kind: ResourceKind, id: &str, now: Timestamp) -> bool {
        let Ok(new) = self.content.renumber(kind, id, None, now) else { return false };
        if let Some(rehearsal) = &mut self.rehearsal {
            rehearsal.renumber(kind, id, Some(&new), now).ok();
        }
        true
    }

    /// Attributes of the resource are set; whether it was there and can have them.
    pub fn overwrite(
        &mut self,
        kind: ResourceKind,
        id: &str,
        set: &Map<String, Value>,
        now: Timestamp,
    ) -> bool {
        let overwrite = |content: &mut Content| {
            let set = set.clone();
            content
                .change(kind, id, now, |draft| draft.merge(set, Verb::Replace, UnknownNames::Refuse))
                .is_ok()
        };
        let is_done = overwrite(&mut self.content);
        if let Some(rehearsal) = &mut self.rehearsal {
            overwrite(rehearsal);
        }
        is_done
    }
}
