//! In which of the forms that a job may be told to write its requests are written.

use serde_json::Value;

use super::reading::{Cycle, Wire};
use crate::scim::style::{ActiveStyle, Dialect, ManagerStyle};

/// The keys of a job, with the forms that its requests have where the keys say nothing of them: the dialect, and how
/// `active` and a manager are written in it.
pub(super) fn with_forms(head: &toml::Table, cycles: &[Cycle<'_>]) -> toml::Table {
    let operations = || cycles.iter().flat_map(|cycle| &cycle.wires).flat_map(Wire::operations);
    let text = |operation: &Value, key: &str| {
        operation.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let writes = |attribute: &str, is_so: fn(&Value) -> bool| {
        operations().any(|operation| {
            let path = text(operation, "path").to_lowercase();
            let is_it = path == attribute || path.ends_with(&format!(":{attribute}"));
            is_it && operation.get("value").is_some_and(is_so)
        })
    };
    let is_optscim =
        operations().any(|operation| text(operation, "op").starts_with(|c: char| c.is_ascii_lowercase()));
    let forms = [
        ("dialect", is_optscim, Dialect::Optscim.as_str()),
        ("active_style", !is_optscim && writes("active", Value::is_boolean), ActiveStyle::Boolean.as_str()),
        ("manager_style", writes("manager", Value::is_object), ManagerStyle::Object.as_str()),
        (
            "manager_style",
            writes("manager", |value| value.pointer("/0/$ref").is_some_and(Value::is_string)),
            ManagerStyle::Array.as_str(),
        ),
    ];
    let mut head = head.clone();
    for (key, _, form) in forms.into_iter().filter(|(_, is_so, _)| *is_so) {
        let job = head.entry("job").or_insert_with(|| toml::Table::new().into());
        let fidelity =
            job.as_table_mut().map(|job| job.entry("fidelity").or_insert_with(|| toml::Table::new().into()));
        if let Some(fidelity) = fidelity.and_then(toml::Value::as_table_mut) {
            fidelity.entry(key).or_insert_with(|| form.into());
        }
    }
    head
}
