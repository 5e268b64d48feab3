//! `quarantine`: in or out, why, since when, and how far from each threshold.

use serde_json::{Value, json};

use super::context::Context;
use super::output::{relative, table};
use super::session::{Session, engine_failure, now};
use super::{Exit, Failure};
use crate::clock::Timestamp;
use crate::engine::entry::seconds;
use crate::engine::forecast::{Distance, Forecast, forecast};
use crate::engine::quarantine::Reason;
use crate::engine::status::synchronization_quarantine;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let session = Session::look(context)?;
    let spec = session.spec()?;
    let forecast = forecast(&spec, &session.store).map_err(|error| engine_failure(&error))?;
    if context.output.is_json() {
        context.output.json(&to_json(&spec.name, &forecast))?;
    } else {
        context.output.text(&to_text(&spec.name, &forecast, now(&session.store)))?;
    }
    Ok(if forecast.quarantine.is_some() { Exit::Quarantine } else { Exit::Fine })
}

/// A forecast for people.
pub(super) fn to_text(job: &str, forecast: &Forecast, now: Timestamp) -> String {
    let mut lines = Vec::new();
    match &forecast.quarantine {
        Some(quarantine) => {
            let moment = |at: Timestamp| format!("{} ({})", seconds(at), relative(at, now));
            let state = if forecast.disabled { "disabled by a long quarantine" } else { "in quarantine" };
            lines.push(format!("job {job} is {state}: {}", quarantine.reason.as_str()));
            lines.push(format!(
                "  error         {}: {}",
                quarantine.error_code,
                quarantine.error_message.replace('\n', "\n                ")
            ));
            lines.push(format!("  since         {}", moment(quarantine.series_began)));
            lines.push(format!(
                "  looked again  {} times, last {}",
                quarantine.series_count,
                moment(quarantine.current_began)
            ));
            if !forecast.disabled {
                lines.push(format!("  next attempt  {}", moment(quarantine.next_attempt)));
                if let Some(ends) = forecast.ends {
                    lines
                        .push(format!("  disabled      {}, if it is still in quarantine then", moment(ends)));
                }
            }
        }
        None if forecast.paused => lines.push(format!("job {job} is not in quarantine; it is paused")),
        None => lines.push(format!("job {job} is not in quarantine")),
    }
    if let Some(way_out) = forecast.way_out() {
        lines.push(format!("  way out       {way_out}"));
    }
    if 0 < forecast.staged {
        lines.push(format!("  held back     {} deletes and disables", forecast.staged));
    }
    lines.push(String::new());
    let rows = forecast.distances.iter().map(|distance| {
        let (unit, _) = unit(distance.reason);
        vec![
            distance.reason.as_str().to_owned(),
            format!("{}{unit}", distance.current),
            format!("more than {}{unit}", distance.limit),
            left(distance),
        ]
    });
    lines.push(table(&["threshold", "now", "exceeded by", "how far"], rows));
    lines.join("\n")
}

/// The unit of a threshold, and what it counts.
fn unit(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::EncounteredEscrowProportionThreshold => (" %", "share of failed objects"),
        Reason::EncounteredBaseEscrowThreshold => ("", "open failures of objects"),
        Reason::EncounteredTotalEscrowThreshold => ("", "open failures, references included"),
        Reason::EncounteredQuarantineException | Reason::TooManyDeletes => ("", ""),
    }
}

fn left(distance: &Distance) -> String {
    let left = distance.left();
    match (distance.reason, left) {
        (Reason::EncounteredEscrowProportionThreshold, 0) if distance.current <= distance.limit => {
            "looked at, and not exceeded".to_owned()
        }
        (_, 0) => "exceeded".to_owned(),
        (Reason::EncounteredEscrowProportionThreshold, left) => {
            format!("looked at after {left} more failures")
        }
        (_, left) => format!("{left} more failures"),
    }
}

fn to_json(job: &str, forecast: &Forecast) -> Value {
    let counts = &forecast.counts;
    let threshold = |distance: &Distance| {
        json!({
            "reason": distance.reason.as_str(),
            "counts": unit(distance.reason).1,
            "current": distance.current,
            "limit": distance.limit,
            "failuresLeft": distance.left(),
        })
    };
    json!({
        "job": job,
        "inQuarantine": forecast.quarantine.is_some(),
        "quarantine": forecast.quarantine.as_ref().map(synchronization_quarantine),
        "disabledAt": forecast.ends.map(seconds),
        "disabled": forecast.disabled,
        "paused": forecast.paused,
        "wayOut": forecast.way_out(),
        "heldBack": forecast.staged,
        "openFailures": { "objects": counts.objects, "references": counts.references },
        "share": { "failed": counts.failed, "succeeded": counts.succeeded, "percent": counts.share_percent() },
        "thresholds": forecast.distances.iter().map(threshold).collect::<Vec<_>>(),
    })
}
