//! What goes over the wire and comes back, against the documented and observed payloads of `wire.md`.
//! The cases are data in `tests/data/wire`; each names its section and mark.

mod answers;
pub(crate) mod bodies;
mod profiles;
mod references;
mod roles;
mod rules;
mod urls;

use serde::de::DeserializeOwned;

/// The cases of a file in `tests/data/wire`.
fn cases<T: DeserializeOwned>(file: &str) -> Vec<T> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File<T> {
        case: Vec<T>,
    }
    let path = format!("{}/tests/data/wire/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    toml::from_str::<File<T>>(&text).unwrap_or_else(|error| panic!("{path}: {error}")).case
}
