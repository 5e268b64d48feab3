//! The counts of one run (`engine.md 10`), as `synchronizationTaskExecution` names them (`graph-api.md 3.3`).

use serde::{Deserialize, Serialize};

/// What a run counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// Objects processed that are assigned to the application.
    pub count_entitled: u64,
    /// Of those, the ones that are active as well.
    pub count_entitled_for_provisioning: u64,
    /// Escrows opened or renewed by this run.
    pub count_escrowed: u64,
    /// The same with system-generated ones; there are none.
    pub count_escrowed_raw: u64,
    /// Objects exported: created, updated, disabled, deleted.
    pub count_exported: u64,
    /// Objects that were to be exported.
    pub count_exports: u64,
    /// Objects read from the source.
    pub count_imported: u64,
    /// Of those, changes since the watermark.
    pub count_imported_deltas: u64,
    /// Changes of references: group memberships, managers.
    pub count_imported_reference_deltas: u64,
    /// What the log's actions came to; not part of the Graph record.
    #[serde(default)]
    pub actions: Actions,
    /// The global failure that ended the run; `None` code when there was none.
    pub error: RunError,
}

/// Log entries of a run by what they did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actions {
    /// Accounts created.
    pub created: u64,
    /// Accounts and groups changed, references included.
    pub updated: u64,
    /// Accounts disabled.
    pub disabled: u64,
    /// Accounts and groups deleted.
    pub deleted: u64,
    /// Entries with status skipped.
    pub skipped: u64,
    /// Entries with status failure.
    pub failed: u64,
    /// Entries with status warning.
    pub warned: u64,
    /// Removals that the deletion guard holds back.
    #[serde(default)]
    pub staged: u64,
    /// Objects that failed, references left out.
    #[serde(default)]
    pub objects_failed: u64,
    /// Objects exported, references left out.
    #[serde(default)]
    pub objects_exported: u64,
    /// Members of the groups in scope, as an initial cycle finds them.
    #[serde(default)]
    pub memberships: u64,
    /// Requests sent.
    pub requests: u64,
}

/// The code of a run whose source could not be used. It is ours: Entra's source is its own directory.
pub const IMPORT_FAILED: &str = "ImportFailed";

/// `synchronizationError` (`graph-api.md 3.6`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunError {
    /// Entra's code; `None` when there was no error.
    pub code: String,
    /// What happened.
    pub message: String,
    /// Whether the customer can do something about it.
    pub tenant_actionable: bool,
}

impl Default for RunError {
    fn default() -> Self {
        Self { code: "None".to_owned(), message: String::new(), tenant_actionable: false }
    }
}
