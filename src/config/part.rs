//! A configuration with one job that is part of a file of another kind, as a scenario's is.

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::source::Source;
use super::{Loaded, convert, schema};

/// The keys of a job that another file may hold: who is in scope, how it is mapped, how Entra behaves. Where the target
/// is, and the key to it, is said by whoever runs the file.
const JOB_KEYS: [&str; 10] = [
    "profile",
    "filter",
    "scope",
    "interval",
    "groups",
    "skip_out_of_scope_deletions",
    "requests_per_second",
    "delete_threshold",
    "notification_email",
    "fidelity",
];

/// The parts of a configuration, taken out of another file's tables.
pub(crate) struct Part<'t> {
    /// The job's name.
    pub(crate) name: &'t str,
    /// The app profile, where one is named.
    pub(crate) app: Option<Spanned<DeValue<'t>>>,
    /// The key `app_role`.
    pub(crate) app_role: Option<Spanned<DeValue<'t>>>,
    /// The key `multi_valued` of the directory.
    pub(crate) multi_valued: Option<Spanned<DeValue<'t>>>,
    /// The key `seed` of the directory.
    pub(crate) seed: Option<Spanned<DeValue<'t>>>,
    /// The keys of the job.
    pub(crate) job: Option<Spanned<DeValue<'t>>>,
}

/// The schema of the keys that [`Part`] takes: `app_role`, `multi_valued`, `seed`, and `job` with what may stand there.
pub(crate) fn properties() -> Map<String, Value> {
    let schema = schema::json_schema();
    let of = |pointer: &str| schema.pointer(pointer).cloned().unwrap_or_default();
    let mut job = of("/properties/job/items");
    if let Some(job) = job.as_object_mut() {
        job.remove("required");
        if let Some(keys) = job.get_mut("properties").and_then(Value::as_object_mut) {
            keys.retain(|key, _| JOB_KEYS.contains(&key.as_str()));
        }
    }
    let keys = [
        ("app", of("/properties/job/items/properties/app")),
        ("app_role", of("/properties/app_role")),
        ("multi_valued", of("/properties/directory/properties/multi_valued")),
        ("seed", of("/properties/directory/properties/seed")),
        ("job", job),
    ];
    keys.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// The configuration that the parts come to: the embedded app, and the folder of the file as directory. The parts have
/// been held against [`properties`].
pub(crate) fn of_part(source: &Source, part: Part<'_>) -> Loaded {
    let mut job = match part.job.map(Spanned::into_inner) {
        Some(DeValue::Table(table)) => table,
        _ => DeTable::new(),
    };
    let text = |text: &'static str| here(DeValue::String(DeString::Borrowed(text)));
    let keys = [
        ("name", Some(here(DeValue::String(DeString::Owned(part.name.to_owned()))))),
        ("tenant_url", Some(text("embedded"))),
        ("app", part.app),
    ];
    put(&mut job, keys);
    let mut directory = DeTable::new();
    put(
        &mut directory,
        [("path", Some(text("."))), ("multi_valued", part.multi_valued), ("seed", part.seed)],
    );
    let mut jobs = DeArray::new();
    jobs.push(here(DeValue::Table(job)));
    let mut table = DeTable::new();
    put(
        &mut table,
        [
            ("directory", Some(here(DeValue::Table(directory)))),
            ("app_role", part.app_role),
            ("job", Some(here(DeValue::Array(jobs)))),
        ],
    );
    convert::convert(source, Spanned::new(0..0, table), Vec::new())
}

/// A value of ours, which is at no place in the file.
fn here<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

fn put<'t, const N: usize>(table: &mut DeTable<'t>, keys: [(&'static str, Option<Spanned<DeValue<'t>>>); N]) {
    for (key, value) in keys {
        if let Some(value) = value {
            table.insert(here(DeString::Borrowed(key)), value);
        }
    }
}
