//! A report without personal data: exchanges, and what failures say, before any reporter has them.

use serde_json::Value;

use super::model::{Change, Edit, FaultKind, Scenario, Wanted, WantedRequest};
use super::report::{Failure, Report, Verdict};
use crate::client::{Pseudonyms, Sentences};
use crate::expression::AttributeValue;

/// Puts pseudonyms in the place of what is personal. Known as such: what stands in the directory, in edits, faults and
/// expectations of the scenario, what went over the wire, what the embedded app held, and what was `read` back of
/// somebody's app. The name of the file stays.
pub(super) fn mask(report: &mut Report, scenario: &Scenario, read: &[Value], pseudonyms: &Pseudonyms) {
    let mut sentences = pseudonyms.sentences();
    learn_scenario(&mut sentences, scenario);
    for exchange in &mut report.exchanges {
        sentences.learn_exchange(exchange);
        *exchange = pseudonyms.exchange(exchange);
    }
    for resource in std::mem::take(&mut report.held).iter().chain(read) {
        sentences.learn("", resource);
    }
    report.title = sentences.mask(&report.title);
    for left in &mut report.left {
        *left = sentences.mask(left);
    }
    let failures = match &mut report.verdict {
        Verdict::Failed(failures) => failures.as_mut_slice(),
        Verdict::Broken(failure) => std::slice::from_mut(failure),
        Verdict::Passed | Verdict::Skipped(_) => &mut [],
    };
    for Failure { title, key, expected, got, .. } in failures {
        for text in [key, expected, got].into_iter().chain(title.as_mut()) {
            *text = sentences.mask(text);
        }
    }
}

fn learn_scenario(sentences: &mut Sentences<'_>, scenario: &Scenario) {
    for (object, _) in &scenario.directory.objects {
        sentences.learn("id", &object.id.as_str().into());
        for (name, value) in &object.attributes {
            learn_attribute(sentences, name, value);
        }
    }
    for step in &scenario.steps {
        for edit in &step.edits {
            learn_edit(sentences, edit);
        }
        for fault in &step.faults {
            if let FaultKind::Account { set, .. } = &fault.kind {
                sentences.learn("", set);
            }
        }
        for expectation in &step.expect {
            if let Wanted::Attribute { object, .. }
            | Wanted::Present { object, .. }
            | Wanted::Escrow { object, .. } = &expectation.what
            {
                sentences.learn("name", &object.name.as_str().into());
            }
            if let Wanted::Attribute { path, value, .. } = &expectation.what {
                sentences.learn(path, value);
            } else if let Wanted::Requests { wanted, .. } = &expectation.what {
                for (_, wanted) in wanted {
                    learn_request(sentences, wanted);
                }
            } else if let Wanted::NoRequest(wanted) = &expectation.what {
                learn_request(sentences, wanted);
            }
        }
    }
}

fn learn_edit(sentences: &mut Sentences<'_>, edit: &Edit) {
    sentences.learn("name", &edit.object.name.as_str().into());
    match &edit.change {
        Change::Add { attributes, .. } => {
            for (name, value) in attributes {
                learn_attribute(sentences, name, value);
            }
        }
        Change::Set(values) => {
            for (name, value) in values {
                if let Some(value) = value {
                    learn_attribute(sentences, name, value);
                }
            }
        }
        Change::Delete | Change::Restore | Change::Purge | Change::Assign { .. } | Change::Members { .. } => {
        }
    }
}

fn learn_attribute(sentences: &mut Sentences<'_>, name: &str, value: &AttributeValue) {
    match value {
        AttributeValue::Text(text) => sentences.learn(name, &text.as_str().into()),
        AttributeValue::List(texts) => {
            for text in texts {
                sentences.learn(name, &text.as_str().into());
            }
        }
        AttributeValue::Roles(_) => {}
    }
}

fn learn_request(sentences: &mut Sentences<'_>, wanted: &WantedRequest) {
    for value in wanted.operations.iter().flatten().chain(&wanted.body) {
        // Without a name around it, a value is as personal as can be.
        match value.get("path").and_then(Value::as_str) {
            Some(path) => sentences.learn(path, value.get("value").unwrap_or(&Value::Null)),
            None => sentences.learn("", value),
        }
    }
}
