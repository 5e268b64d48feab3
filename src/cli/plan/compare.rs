//! `plan --compare`: the same cycle in two dialects, request by request.

use serde_json::{Value, json};

use super::{Planned, body_of};
use crate::cli::context::Context;
use crate::cli::session::{Session, exit_of, run_failure};
use crate::cli::{Exit, Failure};
use crate::client::{Exchange, one_line};
use crate::engine::{CycleResult, Purpose};
use crate::runner::{Job, Mode};
use crate::scim::style::Dialect;

/// One request of the cycle in both dialects; `None` where a dialect does not send it.
struct Pair {
    ours: Option<Exchange>,
    theirs: Option<Exchange>,
}

/// A line of two texts laid over each other.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Both(String),
    Ours(String),
    Theirs(String),
}

pub(super) fn run(
    context: &Context,
    session: &mut Session,
    job: Job,
    theirs: Dialect,
) -> Result<Exit, Failure> {
    let ours = job.spec().style.dialect;
    if ours == theirs {
        let help = "name another one; the tenant URL selects the job's own";
        let message = format!("job `{}` speaks `{}` as it is", session.job.name, ours.as_str());
        return Err(Failure::new(Exit::Usage, message).help(help));
    }
    let (result, first) = planned(context, session, &job)?;
    let (_, second) = planned(context, session, &job.speaking(theirs))?;
    let pairs = paired(first, second);
    if context.output.is_json() {
        context.output.json(&to_json(&session.job.name, (ours, theirs), &pairs))?;
    } else {
        print(context, (ours, theirs), &pairs)?;
    }
    Ok(exit_of(&result))
}

fn planned(
    context: &Context,
    session: &mut Session,
    job: &Job,
) -> Result<(CycleResult, Vec<Exchange>), Failure> {
    let clock = session.store.clock().clone();
    let mut watch = Planned { output: context.output, writes: Vec::new() };
    let result = job
        .cycle(&mut session.store, &clock, Purpose::CycleByHand, Mode::Plan, &mut watch)
        .map_err(|error| run_failure(&error))?;
    Ok((result, watch.writes))
}

/// Requests for the same effect beside each other, in the order of the first plan; then what only the second has.
fn paired(first: Vec<Exchange>, mut second: Vec<Exchange>) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = first
        .into_iter()
        .map(|ours| {
            let at = second.iter().position(|theirs| theirs.about.effect == ours.about.effect);
            Pair { ours: Some(ours), theirs: at.map(|at| second.remove(at)) }
        })
        .collect();
    pairs.extend(second.into_iter().map(|theirs| Pair { ours: None, theirs: Some(theirs) }));
    pairs
}

impl Pair {
    fn either(&self) -> Option<&Exchange> {
        self.ours.as_ref().or(self.theirs.as_ref())
    }

    fn is_same(&self) -> bool {
        let request =
            |exchange: &Option<Exchange>| exchange.as_ref().map(|exchange| exchange.request.clone());
        request(&self.ours) == request(&self.theirs)
    }

    fn lines(&self) -> Vec<Line> {
        let lines = |exchange: &Option<Exchange>| exchange.as_ref().map(body_lines).unwrap_or_default();
        overlaid(&lines(&self.ours), &lines(&self.theirs))
    }
}

fn print(context: &Context, (ours, theirs): (Dialect, Dialect), pairs: &[Pair]) -> Result<(), Failure> {
    let output = context.output;
    output.text(&format!("--- {}\n+++ {}", ours.as_str(), theirs.as_str()))?;
    for pair in pairs {
        let Some(exchange) = pair.either() else { continue };
        if pair.is_same() {
            output.text(&format!("= {}", one_line(exchange)))?;
            continue;
        }
        let whom = exchange.about.object.as_ref().map(|object| object.label.as_str()).unwrap_or_default();
        let path = exchange.request.url.split('?').next().unwrap_or_default();
        output.text(&format!("@ {} {path}  {whom}", exchange.request.method))?;
        for line in pair.lines() {
            output.text(&match line {
                Line::Both(text) => format!("  {text}"),
                Line::Ours(text) => format!("- {text}"),
                Line::Theirs(text) => format!("+ {text}"),
            })?;
        }
    }
    let differing = pairs.iter().filter(|pair| !pair.is_same()).count();
    output.text(&format!(
        "{} requests, of which {differing} differ between {} and {}; nothing was written",
        pairs.len(),
        ours.as_str(),
        theirs.as_str()
    ))
}

fn to_json(job: &str, (ours, theirs): (Dialect, Dialect), pairs: &[Pair]) -> Value {
    let body = |exchange: &Option<Exchange>| exchange.as_ref().map(body_of);
    let requests = pairs.iter().filter_map(|pair| {
        let exchange = pair.either()?;
        Some(json!({
            "method": exchange.request.method,
            "url": exchange.request.url,
            "object": exchange.about.object,
            "same": pair.is_same(),
            "bodies": { ours.as_str(): body(&pair.ours), theirs.as_str(): body(&pair.theirs) },
        }))
    });
    json!({
        "job": job,
        "dialects": [ours.as_str(), theirs.as_str()],
        "requests": requests.collect::<Vec<_>>(),
        "differing": pairs.iter().filter(|pair| !pair.is_same()).count(),
    })
}

/// A body in lines that can be compared: each operation of a PATCH on one, anything else indented.
fn body_lines(exchange: &Exchange) -> Vec<String> {
    let body = body_of(exchange);
    match body.get("Operations").and_then(Value::as_array) {
        Some(operations) => {
            let envelope = body.as_object().into_iter().flatten().filter(|(name, _)| *name != "Operations");
            let envelope = envelope.map(|(name, member)| format!("{}: {member}", json!(name)));
            envelope.chain(operations.iter().map(ToString::to_string)).collect()
        }
        None if body.is_null() => Vec::new(),
        None => format!("{body:#}").lines().map(str::to_owned).collect(),
    }
}

/// Two texts laid over each other so that as many lines as can be are common (longest common subsequence).
fn overlaid(ours: &[String], theirs: &[String]) -> Vec<Line> {
    // `common[i][j]` lines are common to what is left from `i` and from `j`.
    let mut common = vec![vec![0_usize; theirs.len().saturating_add(1)]; ours.len().saturating_add(1)];
    let at = |table: &[Vec<usize>], i: usize, j: usize| {
        table.get(i).and_then(|row| row.get(j)).copied().unwrap_or_default()
    };
    for (i, our) in ours.iter().enumerate().rev() {
        for (j, their) in theirs.iter().enumerate().rev() {
            let best = if our == their {
                at(&common, i.saturating_add(1), j.saturating_add(1)).saturating_add(1)
            } else {
                at(&common, i.saturating_add(1), j).max(at(&common, i, j.saturating_add(1)))
            };
            if let Some(cell) = common.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j) = (0_usize, 0_usize);
    let mut lines = Vec::new();
    loop {
        match (ours.get(i), theirs.get(j)) {
            (Some(our), Some(their)) if our == their => {
                lines.push(Line::Both(our.clone()));
                (i, j) = (i.saturating_add(1), j.saturating_add(1));
            }
            (Some(our), their)
                if their.is_none()
                    || at(&common, i, j.saturating_add(1)) <= at(&common, i.saturating_add(1), j) =>
            {
                lines.push(Line::Ours(our.clone()));
                i = i.saturating_add(1);
            }
            (_, Some(their)) => {
                lines.push(Line::Theirs(their.clone()));
                j = j.saturating_add(1);
            }
            (_, None) => return lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_lines_as_can_be_are_common() {
        let lines = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let check = |ours: &str, theirs: &str, wanted: &str| {
            let laid = overlaid(&lines(ours), &lines(theirs));
            let marked = laid.iter().map(|line| match line {
                Line::Both(text) => text.clone(),
                Line::Ours(text) => format!("-{text}"),
                Line::Theirs(text) => format!("+{text}"),
            });
            assert_eq!(marked.collect::<String>(), wanted);
        };
        check("", "", "");
        check("abc", "abc", "abc");
        check("abc", "", "-a-b-c");
        check("", "ab", "+a+b");
        check("abcd", "xbyd", "-a+xb-c+yd");
        check("ab", "ba", "-ab+a");
    }
}
