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
        }
        let kind = match (target, source, process) {
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
        let set = raw.set.unwrap_or_default();
        if (fault == AccountFault::Edited) == set.is_empty() {
            self.error(span, "`set` says what somebody `edited`, and belongs to it alone", None);
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
            status: raw.status,
            retry_after: raw.retry_after.as_ref().and_then(|text| self.duration(text)),
            latency: raw.latency.as_ref().and_then(|text| self.duration(text)),
            lag: raw.lag.as_ref().and_then(|text| self.duration(text)),
            attribute: raw.attribute.clone(),
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
        after: raw.after.unwrap_or_default(),
        times: raw.times,
        percent: raw.percent.unwrap_or(100),
        ..Which::default()
    };
    Requests { which, path: raw.path.map(Spanned::into_inner), object }
}
