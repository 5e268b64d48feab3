//! What goes wrong, read.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;

use super::{Reader, json_of};
use crate::config::words::Word;
use crate::http::Method;
use crate::scenario::model::{
    AccountFault, Fault, FaultKind, FaultRule, Named, ProcessFault, Requests, SourceFault, TargetFault,
};
use crate::scenario::raw::RawFault;
use crate::target::{FaultSettings, FaultWord, Preset, Which};

/// What says which requests meet a fault.
const WHICH: [&str; 7] = ["times", "after", "percent", "method", "path", "user", "group"];

/// What may be said of a fault beside its word.
fn keys_of(target: Option<TargetFault>, process: Option<ProcessFault>) -> Vec<&'static str> {
    match (target, process) {
        (Some(TargetFault::Requests(word)), _) => WHICH.iter().chain(word.keys()).copied().collect(),
        (Some(TargetFault::Account(AccountFault::Edited)), _) => vec!["user", "group", "set"],
        (
            Some(TargetFault::Account(
                AccountFault::Forgets | AccountFault::Renumbers | AccountFault::Duplicated,
            )),
            _,
        ) => vec!["user", "group"],
        (None, Some(ProcessFault::Killed | ProcessFault::KilledUnheard)) => WHICH.to_vec(),
        (Some(TargetFault::None), _) | (None, Some(ProcessFault::None) | None) => Vec::new(),
    }
}

impl Reader<'_> {
    pub(super) fn fault(&mut self, raw: Spanned<RawFault>) -> Option<Fault> {
        let span = raw.span();
        let raw = raw.into_inner();
        let place = self.place(&span);
        let target = raw.target.as_ref().and_then(|word| TargetFault::from_word(word.get_ref()));
        let source = raw.source.as_ref().and_then(|word| SourceFault::from_word(word.get_ref()));
        let process = raw.process.as_ref().and_then(|word| ProcessFault::from_word(word.get_ref()));
        let object = self.named(raw.user.as_ref(), raw.group.as_ref());
        if let (Some(object), Some(text)) = (&object, raw.user.as_ref().or(raw.group.as_ref())) {
            self.must_be_known(&[object.kind], &object.name, &text.span());
        }
        if let Some(path) = &raw.path {
            self.placeholders_must_be_known(path.get_ref(), &path.span());
            self.path_must_be_one(path);
        }
        let kind = match (target, source, process) {
            (Some(_), None, None) | (None, Some(_), None) | (None, None, Some(_))
                if !self.has_own_keys(target, source, process, &raw) =>
            {
                return None;
            }
            (None, Some(source), None) => FaultKind::Source((source != SourceFault::None).then_some(source)),
            (Some(TargetFault::None), None, None) => FaultKind::None,
            (Some(TargetFault::Account(fault)), None, None) => {
                self.account_fault(fault, object, raw, &span)?
            }
            (Some(TargetFault::Requests(word)), None, None) => {
                self.request_fault(word, object, raw, &span)?
            }
            (None, None, Some(ProcessFault::None)) => FaultKind::Alive,
            (None, None, Some(fault)) => {
                let mut requests = requests(object, raw);
                // Killed for ever, it would never get anywhere.
                requests.which.times.get_or_insert(1);
                FaultKind::Killed { unheard: fault == ProcessFault::KilledUnheard, requests }
            }
            _ => {
                if !self.is_told(&span) {
                    let help = "`fault = { target = \"down\" }`, `fault = { source = \"missing\" }` or \
                                `fault = { process = \"killed\" }`";
                    let message = "a fault is one of `target`, of `source` or of `process`";
                    self.error(&span, message, Some(help.to_owned()));
                }
                return None;
            }
        };
        Some(Fault { place, kind })
    }

    /// Whether a fault has no keys but those of its kind; one that it has besides would do nothing.
    fn has_own_keys(
        &mut self,
        target: Option<TargetFault>,
        source: Option<SourceFault>,
        process: Option<ProcessFault>,
        raw: &RawFault,
    ) -> bool {
        let word = [target.map(Word::word), source.map(Word::word), process.map(Word::word)];
        let word = word.into_iter().flatten().next().unwrap_or_default();
        let known = keys_of(target, process);
        let foreign: Vec<_> = raw.given().into_iter().filter(|(key, _)| !known.contains(key)).collect();
        for (key, span) in &foreign {
            let help = match known.as_slice() {
                [] => format!("nothing else is said of `{word}`"),
                known => format!("what may be said of it: `{}`", known.join("`, `")),
            };
            self.error(span, format!("`{key}` does not belong to `{word}`"), Some(help));
        }
        foreign.is_empty()
    }

    fn account_fault(
        &mut self,
        fault: AccountFault,
        object: Option<Named>,
        raw: RawFault,
        span: &Range<usize>,
    ) -> Option<FaultKind> {
        let Some(object) = object else {
            let help = "write `user = \"…\"` or `group = \"…\"`".to_owned();
            self.error(span, format!("whom does the app treat so: `{fault}` needs a name"), Some(help));
            return None;
        };
        let set = raw.set.map(Spanned::into_inner).unwrap_or_default();
        if fault == AccountFault::Edited && set.is_empty() {
            let help = "write `set = { active = false }`".to_owned();
            self.error(span, "what somebody changed is missing: `edited` needs `set`", Some(help));
        }
        let set = set.into_iter().map(|(name, value)| (name, json_of(&value))).collect();
        Some(FaultKind::Account { fault, object, set: Value::Object(set) })
    }

    fn request_fault(
        &mut self,
        word: FaultWord,
        object: Option<Named>,
        raw: RawFault,
        span: &Range<usize>,
    ) -> Option<FaultKind> {
        let settings = FaultSettings {
            status: raw.status.as_ref().map(|status| *status.get_ref()),
            retry_after: raw.retry_after.as_ref().and_then(|text| self.duration(text)),
            latency: raw.latency.as_ref().and_then(|text| self.duration(text)),
            lag: raw.lag.as_ref().and_then(|text| self.duration(text)),
            attribute: raw.attribute.as_ref().map(|text| text.get_ref().clone()),
            of: raw.of.as_ref().and_then(|word| Preset::from_word(word.get_ref())),
        };
        let fault = match word.with(settings) {
            Ok(fault) => fault,
            Err(error) => {
                if !self.is_told(span) {
                    self.error(span, error.to_string(), None);
                }
                return None;
            }
        };
        Some(FaultKind::Requests(FaultRule { word, fault, requests: requests(object, raw) }))
    }
}

fn requests(object: Option<Named>, raw: RawFault) -> Requests {
    let which = Which {
        method: raw.method.as_ref().and_then(|word| Method::from_name(word.get_ref())),
        after: raw.after.map_or(0, Spanned::into_inner),
        times: raw.times.map(Spanned::into_inner),
        percent: raw.percent.map_or(100, Spanned::into_inner),
        ..Which::default()
    };
    Requests { which, path: raw.path.map(Spanned::into_inner), object }
}
