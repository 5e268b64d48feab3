//! The provisioning log in the forms in which it leaves the service (`engine.md 11.2`): the three files of a CSV
//! download, and the rows of Azure Monitor's table. Both are made of the entries in Graph's form.

use serde_json::{Map, Value};

/// Names of the files of a CSV download, in the order of [`csv_files`]. What they are about is documented; their names
/// and headings are ours, after Graph's members.
pub const CSV_FILES: [&str; 3] = [
    "ProvisioningLogs.csv",
    "ProvisioningLogs_ProvisioningSteps.csv",
    "ProvisioningLogs_ModifiedProperties.csv",
];

/// Headings of the first file, and where each value is in an entry.
const ENTRY: [(&str, &str); 20] = [
    ("id", "/id"),
    ("changeId", "/changeId"),
    ("activityDateTime", "/activityDateTime"),
    ("tenantId", "/tenantId"),
    ("jobId", "/jobId"),
    ("cycleId", "/cycleId"),
    ("provisioningAction", "/provisioningAction"),
    ("status", "/provisioningStatusInfo/status"),
    ("errorCode", "/provisioningStatusInfo/errorInformation/errorCode"),
    ("reason", "/provisioningStatusInfo/errorInformation/reason"),
    ("durationInMilliseconds", "/durationInMilliseconds"),
    ("servicePrincipalId", "/servicePrincipal/id"),
    ("servicePrincipalDisplayName", "/servicePrincipal/displayName"),
    ("sourceIdentityId", "/sourceIdentity/id"),
    ("sourceIdentityDisplayName", "/sourceIdentity/displayName"),
    ("sourceIdentityType", "/sourceIdentity/identityType"),
    ("sourceSystem", "/sourceSystem/displayName"),
    ("targetIdentityId", "/targetIdentity/id"),
    ("targetIdentityType", "/targetIdentity/identityType"),
    ("targetSystem", "/targetSystem/displayName"),
];

const STEP: [(&str, &str); 5] = [
    ("name", "/name"),
    ("provisioningStepType", "/provisioningStepType"),
    ("status", "/status"),
    ("description", "/description"),
    ("details", "/details"),
];

const PROPERTY: [(&str, &str); 3] =
    [("displayName", "/displayName"), ("oldValue", "/oldValue"), ("newValue", "/newValue")];

/// The entries as the three files of a CSV download: entries, their steps, their modified properties, joined by
/// `changeId` (E-262). Every cell is in quotes; null is an empty cell.
///
/// # Errors
/// Never in memory; the writer's type has one.
pub fn csv_files(entries: &[Value]) -> Result<[Vec<u8>; 3], csv::Error> {
    let mut logs = table(ENTRY.iter().map(|(heading, _)| *heading))?;
    let mut steps = table(["changeId"].into_iter().chain(STEP.iter().map(|(heading, _)| *heading)))?;
    let mut properties = table(["changeId"].into_iter().chain(PROPERTY.iter().map(|(heading, _)| *heading)))?;
    for entry in entries {
        logs.write_record(ENTRY.iter().map(|(_, pointer)| cell(entry, pointer)))?;
        let change = cell(entry, "/changeId");
        for (name, columns, file) in [
            ("provisioningSteps", &STEP[..], &mut steps),
            ("modifiedProperties", &PROPERTY[..], &mut properties),
        ] {
            for part in entry.get(name).and_then(Value::as_array).into_iter().flatten() {
                let cells = columns.iter().map(|(_, pointer)| cell(part, pointer));
                file.write_record(std::iter::once(change.clone()).chain(cells))?;
            }
        }
    }
    let whole = |file: csv::Writer<Vec<u8>>| -> Result<Vec<u8>, csv::Error> {
        file.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    };
    Ok([whole(logs)?, whole(steps)?, whole(properties)?])
}

fn table<'h>(headings: impl Iterator<Item = &'h str>) -> Result<csv::Writer<Vec<u8>>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    writer.write_record(headings)?;
    Ok(writer)
}

fn cell(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// An entry as a row of Azure Monitor's `AADProvisioningLogs` (E-263, E-264). Nested values are JSON in a text, as in
/// that table's columns of type string.
pub fn monitor_row(entry: &Value) -> Value {
    let text = |pointer: &str| Value::from(cell(entry, pointer));
    let row = [
        ("TimeGenerated", text("/activityDateTime")),
        ("TenantId", text("/tenantId")),
        ("OperationName", Value::from("Provisioning activity")),
        ("Category", Value::from("ProvisioningLogs")),
        ("ResultType", text("/provisioningStatusInfo/status")),
        ("ResultSignature", text("/provisioningStatusInfo/errorInformation/errorCode")),
        ("ResultDescription", text("/provisioningStatusInfo/errorInformation/reason")),
        ("DurationMs", entry.get("durationInMilliseconds").cloned().unwrap_or_default()),
        ("Id", text("/id")),
        ("JobId", text("/jobId")),
        ("CycleId", text("/cycleId")),
        ("ChangeId", text("/changeId")),
        ("Action", text("/provisioningAction")),
        ("SourceIdentity", text("/sourceIdentity")),
        ("TargetIdentity", text("/targetIdentity")),
        ("SourceSystem", text("/sourceSystem")),
        ("TargetSystem", text("/targetSystem")),
        ("ServicePrincipal", text("/servicePrincipal")),
        ("ModifiedProperties", text("/modifiedProperties")),
        ("ProvisioningSteps", text("/provisioningSteps")),
        ("InitiatedBy", text("/initiatedBy")),
    ];
    Value::Object(row.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
