//! What people are told of a job (`engine.md 13`): when a mail is due, and what it says.
//!
//! That a mail comes, and when, is documented; no text of one is on record, so the words are ours, with the content
//! that the sheet recommends (E-272).

use super::audit::Activity;
use super::entry::seconds;
use super::quarantine::Quarantine;
use super::spec::JobSpec;
use crate::clock::Timestamp;
use crate::store::{AuditRow, MailRow, Store, StoreError};

/// Why somebody gets a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The job entered quarantine.
    Quarantined,
    /// It is in quarantine for another reason than before.
    ReasonChanged,
    /// Its quarantine lasted so long that it was disabled (inferred).
    Disabled,
}

impl Occasion {
    /// Its name in the state and in the names of files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::ReasonChanged => "reason-changed",
            Self::Disabled => "disabled",
        }
    }
}

/// What the end of a run gives occasion to, from the quarantine before it to the one after it. An attempt that failed
/// for the same reason gives none, and neither does a quarantine that is lifted (E-268, E-269).
pub fn occasion(before: Option<&Quarantine>, after: Option<&Quarantine>) -> Option<Occasion> {
    match (before, after) {
        (None, Some(_)) => Some(Occasion::Quarantined),
        (Some(before), Some(after)) if before.reason != after.reason => Some(Occasion::ReasonChanged),
        (Some(_), Some(_)) | (_, None) => None,
    }
}

/// Who is told, and which job it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The mail address.
    pub recipient: String,
    /// Where somebody can look at the job.
    pub link: String,
}

/// The job as mails name it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The application.
    pub application: &'a str,
    /// The tenant's id.
    pub tenant_id: &'a str,
    /// The job's id.
    pub job_id: &'a str,
}

/// Keeps what an occasion at `now` leads to: an entry of the audit log, and a mail where somebody is told. `cycle` is
/// the run that led to it. Part of the caller's step, so that no kill comes between (design, law 4).
pub fn keep(
    store: &Store,
    spec: &JobSpec,
    occasion: Occasion,
    quarantine: &Quarantine,
    (cycle, now): (Option<i64>, Timestamp),
) -> Result<(), StoreError> {
    let reason = quarantine.reason.as_str();
    let row = match occasion {
        Occasion::Quarantined => {
            Activity::Quarantine.of_job(now, cycle, format!("The job entered quarantine: {reason}"))
        }
        Occasion::ReasonChanged => Activity::Quarantine.of_job(
            now,
            cycle,
            format!("The job is in quarantine for another reason: {reason}"),
        ),
        Occasion::Disabled => Activity::Pause.of_job(
            now,
            cycle,
            format!("The job was disabled after a long quarantine: {reason}"),
        ),
    };
    store.add_audit(&spec.name, &AuditRow { error_code: Some(quarantine.error_code.clone()), ..row })?;
    let is_told = occasion != Occasion::Disabled || spec.rules.quarantine.mails_end;
    if let Some(to) = spec.notification.as_ref().filter(|_| is_told) {
        let job = Subject { application: &spec.application, tenant_id: &spec.tenant_id, job_id: &spec.id };
        store.owe_mail(&spec.name, &mail(occasion, job, quarantine, to, now))?;
    }
    Ok(())
}

/// The mail that an occasion at `now` leads to.
pub fn mail(
    occasion: Occasion,
    job: Subject<'_>,
    quarantine: &Quarantine,
    to: &Notification,
    now: Timestamp,
) -> MailRow {
    let reason = quarantine.reason.as_str();
    let application = job.application;
    let (subject, happened, next) = match occasion {
        Occasion::Quarantined => (
            format!("Provisioning of {application} is in quarantine: {reason}"),
            "The provisioning job has entered quarantine. It runs less often until the cause is mended.",
            seconds(quarantine.next_attempt),
        ),
        Occasion::ReasonChanged => (
            format!("Provisioning of {application} is in quarantine for another reason: {reason}"),
            "The provisioning job is still in quarantine, now for another reason.",
            seconds(quarantine.next_attempt),
        ),
        Occasion::Disabled => (
            format!("Provisioning of {application} is disabled: {reason}"),
            "The quarantine of the provisioning job has lasted so long that the job is disabled. It runs no more until \
             somebody starts or restarts it.",
            "none".to_owned(),
        ),
    };
    let rows = [
        ("Application", application),
        ("Tenant", job.tenant_id),
        ("Job", job.job_id),
        ("Reason", reason),
        ("First seen", &seconds(quarantine.series_began)),
        ("Error code", &quarantine.error_code),
        // One line, whatever the target wrote.
        ("Error message", &quarantine.error_message.split_whitespace().collect::<Vec<_>>().join(" ")),
        ("Next attempt", &next),
        ("Link", &to.link),
    ];
    let rows: Vec<String> = rows.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    MailRow {
        id: 0,
        at: now,
        occasion: occasion.as_str().to_owned(),
        recipient: to.recipient.clone(),
        subject,
        body: format!("{happened}\n\n{}", rows.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fidelity::QuarantineSchedule;
    use crate::engine::quarantine::{Reason, impose};

    fn quarantine(reason: Reason) -> Quarantine {
        let at = "2026-01-05T08:00:00Z".parse().unwrap();
        impose(
            None,
            reason,
            ("Unauthorized", "StatusCode: Unauthorized\nMessage: no"),
            at,
            QuarantineSchedule::Backoff,
        )
    }

    #[test]
    fn mail_is_due_on_entry_and_on_another_reason_and_never_else() {
        let (refused, guard) = (Reason::EncounteredQuarantineException, Reason::TooManyDeletes);
        let table = [
            (None, None, None),
            (None, Some(refused), Some(Occasion::Quarantined)),
            (None, Some(guard), Some(Occasion::Quarantined)),
            (Some(refused), Some(refused), None),
            (Some(refused), Some(guard), Some(Occasion::ReasonChanged)),
            (Some(guard), Some(refused), Some(Occasion::ReasonChanged)),
            (Some(refused), None, None),
        ];
        for (before, after, wanted) in table {
            let [before_it, after_it] = [before, after].map(|reason| reason.map(quarantine));
            assert_eq!(occasion(before_it.as_ref(), after_it.as_ref()), wanted, "{before:?} to {after:?}");
        }
    }

    #[test]
    fn every_mail_names_the_job_the_cause_and_what_comes_next() {
        let job = Subject { application: "Contoso", tenant_id: "t-1", job_id: "scim.t1.j1" };
        let to =
            Notification { recipient: "ops@contoso.com".to_owned(), link: "https://look.here/".to_owned() };
        let now = "2026-01-05T09:00:00Z".parse().unwrap();
        for (of, next) in [
            (Occasion::Quarantined, "2026-01-05T08:30:00Z"),
            (Occasion::ReasonChanged, "2026-01-05T08:30:00Z"),
            (Occasion::Disabled, "none"),
        ] {
            let mail = mail(of, job, &quarantine(Reason::EncounteredQuarantineException), &to, now);
            assert_eq!((mail.recipient.as_str(), mail.at), ("ops@contoso.com", now));
            assert!(
                mail.subject.contains("Contoso") && mail.subject.ends_with("EncounteredQuarantineException")
            );
            for line in [
                "Application: Contoso",
                "Tenant: t-1",
                "Job: scim.t1.j1",
                "Reason: EncounteredQuarantineException",
                "First seen: 2026-01-05T08:00:00Z",
                "Error code: Unauthorized",
                "Error message: StatusCode: Unauthorized Message: no",
                &format!("Next attempt: {next}"),
                "Link: https://look.here/",
            ] {
                assert!(mail.body.lines().any(|of| of == line), "{line}: {}", mail.body);
            }
        }
    }
}
