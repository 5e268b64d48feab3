//! Expectations on requests.

use serde_json::Value;

use super::{Evidence, Expectation, Miss, Said, is_like};
use crate::client::{Body, Exchange, Outcome, one_line};
use crate::diagnostic::Place;
use crate::directory::object::ObjectKind;
use crate::scenario::model::WantedRequest;
use crate::scenario::names::{Ids, target_of};
use crate::scenario::snapshot::Prefix;

/// Both kinds of object.
pub(super) const BOTH: &[ObjectKind] = &[ObjectKind::User, ObjectKind::Group];

/// An exchange as expectations see it.
#[derive(Debug)]
pub(in crate::scenario) struct Seen<'e> {
    pub(in crate::scenario) exchange: &'e Exchange,
    /// Its place among all exchanges of the scenario.
    pub(in crate::scenario) index: usize,
    path: String,
    query: Option<String>,
    /// 0 when no answer came.
    status: u16,
    body: Option<Value>,
}

impl<'e> Seen<'e> {
    pub(in crate::scenario) fn new(
        index: usize,
        exchange: &'e Exchange,
        base_url: &str,
        prefix: &Prefix,
    ) -> Self {
        let (path, query) = target_of(&exchange.request.url, base_url);
        let body = match &exchange.request.body {
            Some(Body::Json(body)) => Some(prefix.strip_json(body)),
            Some(Body::Text(_) | Body::Cut(_)) | None => None,
        };
        let status = match &exchange.outcome {
            Outcome::Response(response) => response.status,
            Outcome::Error(_) => 0,
        };
        Self { exchange, index, path, query: query.map(|query| prefix.strip(&query)), status, body }
    }

    /// Whether it is one of the probes at the start of a cycle.
    fn is_probe(&self) -> bool {
        self.exchange.about.object.is_none()
    }

    fn operations(&self) -> Option<&Vec<Value>> {
        self.body.as_ref()?.get("Operations")?.as_array()
    }

    pub(super) fn is_write(&self) -> bool {
        self.exchange.request.method != "GET"
    }

    pub(super) fn method(&self) -> &str {
        &self.exchange.request.method
    }

    /// The first segment of its path, `Users` or `Groups`.
    pub(super) fn endpoint(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    /// Whether its body writes this attribute: it creates the resource, or an operation is about it.
    pub(super) fn touches(&self, attribute: &str) -> bool {
        let names = |text: &str| text.to_lowercase().contains(&attribute.to_lowercase());
        match self.operations() {
            None => self.method() == "POST",
            Some(operations) => {
                operations.iter().any(|operation| match operation.get("path").and_then(Value::as_str) {
                    Some(path) => names(path),
                    None => operation
                        .get("value")
                        .and_then(Value::as_object)
                        .is_some_and(|value| value.keys().any(|key| names(key))),
                })
            }
        }
    }
}

/// The exchanges of the whole scenario about these objects.
pub(super) fn of_object<'e>(
    sources: &'e [(ObjectKind, String)],
    evidence: &'e Evidence<'e>,
) -> impl DoubleEndedIterator<Item = &'e Seen<'e>> {
    evidence.seen.iter().filter(|seen| {
        seen.exchange.about.object.as_ref().is_some_and(|object| {
            sources.iter().any(|(kind, id)| *kind == object.kind && *id == object.source_id)
        })
    })
}

/// In how much a request is what is wanted.
struct Likeness {
    /// Why it is not; empty when it is.
    differences: Vec<String>,
    /// Whether it is at least about the same thing.
    is_near: bool,
}

fn compare(wanted: &WantedRequest, seen: &Seen<'_>, ids: &Ids) -> Likeness {
    let mut differences = Vec::new();
    let mut is_near = true;
    if let Some(path) = &wanted.path {
        let (path, query) =
            path.split_once('?').map_or((path.as_str(), None), |(path, query)| (path, Some(query)));
        let same_path = ids.readings(path).contains(&seen.path);
        let same_query = query.is_none_or(|query| {
            let readings = ids.readings(query);
            seen.query.as_ref().is_some_and(|seen| readings.contains(seen))
        });
        is_near &= same_path;
        if !same_path || !same_query {
            let query = seen.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
            differences.push(format!("path {}{query}", seen.path));
        }
    }
    if let Some(name) = &wanted.object {
        let sources = ids.sources_of(BOTH, name);
        let object = seen.exchange.about.object.as_ref();
        let is_about = object.is_some_and(|object| {
            sources.iter().any(|(kind, id)| *kind == object.kind && *id == object.source_id)
        });
        is_near &= is_about;
        if !is_about {
            differences.push("about another object".to_owned());
        }
    }
    if let Some(method) = wanted.method
        && method.as_str() != seen.method()
    {
        differences.push(format!("method {}", seen.method()));
    }
    if let Some(operations) = &wanted.operations {
        let sent = seen.operations().map(Vec::as_slice).unwrap_or_default();
        let is_as_wanted = if wanted.in_sequence {
            operations.len() == sent.len()
                && operations.iter().zip(sent).all(|(wanted, sent)| is_like(wanted, sent, ids))
        } else {
            is_like(&Value::from(operations.clone()), &Value::from(sent.to_vec()), ids)
        };
        if !is_as_wanted {
            differences.push(format!("operations {}", Value::from(sent.to_vec())));
        }
    }
    if let Some(body) = &wanted.body
        && !seen.body.as_ref().is_some_and(|seen| is_like(body, seen, ids))
    {
        differences.push(format!("body {}", seen.body.as_ref().unwrap_or(&Value::Null)));
    }
    if let Some(status) = wanted.status
        && status != seen.status
    {
        differences.push(match seen.status {
            0 => "no answer".to_owned(),
            seen => format!("status {seen}"),
        });
    }
    Likeness { differences, is_near }
}

/// Pairs each of the wanted with one of the sent, as many as can be: for each wanted, which it is.
pub(super) fn assign(wanted: usize, sent: usize, fits: &dyn Fn(usize, usize) -> bool) -> Vec<Option<usize>> {
    /// Finds a place for `one`, moving others to places that fit them too.
    fn place(
        one: usize,
        holders: &mut [Option<usize>],
        tried: &mut [bool],
        fits: &dyn Fn(usize, usize) -> bool,
    ) -> bool {
        for at in 0..holders.len() {
            if !fits(one, at) || tried.get(at).copied().unwrap_or(true) {
                continue;
            }
            if let Some(tried) = tried.get_mut(at) {
                *tried = true;
            }
            let holder = holders.get(at).copied().flatten();
            if holder.is_none_or(|holder| place(holder, holders, tried, fits)) {
                if let Some(holder) = holders.get_mut(at) {
                    *holder = Some(one);
                }
                return true;
            }
        }
        false
    }
    let mut holders = vec![None; sent];
    for one in 0..wanted {
        place(one, &mut holders, &mut vec![false; sent], fits);
    }
    (0..wanted).map(|one| holders.iter().position(|holder| *holder == Some(one))).collect()
}

/// The same, in order: each wanted gets the first that fits after those before it.
fn assign_in_order(wanted: usize, sent: usize, fits: &dyn Fn(usize, usize) -> bool) -> Vec<Option<usize>> {
    let mut next = 0;
    let mut pairs = Vec::new();
    for one in 0..wanted {
        let found = (next..sent).find(|at| fits(one, *at));
        if let Some(at) = found {
            next = at + 1;
        }
        pairs.push(found);
    }
    pairs
}

/// Holds a list of requests against those of the step.
pub(super) fn hold(
    expectation: &Expectation,
    wanted: &[(Place, WantedRequest)],
    (ordered, only): (bool, bool),
    evidence: &Evidence<'_>,
) -> Vec<Miss> {
    let step: Vec<&Seen<'_>> = evidence.seen.iter().skip(evidence.from).collect();
    let ids = evidence.ids;
    let mut misses = Vec::new();
    let mut covered = vec![false; step.len()];
    let key = |number: usize| format!("{}[{number}]", expectation.key);
    // Those with a number are counted; the others are paired, one request with one expectation.
    let singles: Vec<(usize, &(Place, WantedRequest))> =
        (1..).zip(wanted).filter(|(_, (_, wanted))| wanted.count.is_none()).collect();
    for (number, (place, wanted)) in (1..).zip(wanted) {
        let Some(count) = wanted.count else { continue };
        let mut found = Vec::new();
        for (at, seen) in step.iter().enumerate() {
            if compare(wanted, seen, ids).differences.is_empty() {
                found.push(seen.index);
                if let Some(covered) = covered.get_mut(at) {
                    *covered = true;
                }
            }
        }
        if found.len() != count {
            misses.push(Miss {
                place: place.clone(),
                key: key(number),
                expected: format!("{count} times {}", describe(wanted)),
                got: format!("{} times", found.len()),
                guilty: found.get(count).or(found.first()).copied(),
            });
        }
    }
    let fits = |one: usize, at: usize| match (singles.get(one), step.get(at)) {
        (Some((_, (_, wanted))), Some(seen)) => compare(wanted, seen, ids).differences.is_empty(),
        _ => false,
    };
    let pairs = if ordered {
        assign_in_order(singles.len(), step.len(), &fits)
    } else {
        assign(singles.len(), step.len(), &fits)
    };
    for ((number, (place, wanted)), pair) in singles.iter().zip(&pairs) {
        if let Some(at) = pair {
            if let Some(covered) = covered.get_mut(*at) {
                *covered = true;
            }
            continue;
        }
        let taken: Vec<usize> = pairs.iter().flatten().copied().collect();
        let (got, guilty) = nearest(wanted, &step, &taken, evidence);
        misses.push(Miss {
            place: place.clone(),
            key: key(*number),
            expected: describe(wanted),
            got,
            guilty,
        });
    }
    if only {
        let other = step.iter().zip(&covered).find(|(seen, covered)| !**covered && !seen.is_probe());
        if let Some((seen, _)) = other {
            misses.push(Miss {
                place: expectation.place.clone(),
                key: "expect.only".to_owned(),
                expected: "no other requests".to_owned(),
                got: one_line(seen.exchange),
                guilty: Some(seen.index),
            });
        }
    }
    misses
}

/// The request of the step that comes nearest to what is wanted, and in what it differs.
fn nearest(
    wanted: &WantedRequest,
    step: &[&Seen<'_>],
    taken: &[usize],
    evidence: &Evidence<'_>,
) -> (String, Option<usize>) {
    // What differs least; another method, and a request that is what somebody else wants, are farther off.
    let mut best: Option<(usize, String, usize)> = None;
    for (at, seen) in step.iter().enumerate() {
        let likeness = compare(wanted, seen, evidence.ids);
        let is_other_method = wanted.method.is_some_and(|method| method.as_str() != seen.method());
        let distance =
            likeness.differences.len() + usize::from(is_other_method) + usize::from(taken.contains(&at));
        let is_better = best.as_ref().is_none_or(|(least, ..)| distance < *least);
        if !likeness.is_near || !is_better || (wanted.path.is_none() && wanted.object.is_none()) {
            continue;
        }
        let got = if likeness.differences.is_empty() {
            let why = if taken.contains(&at) {
                "it counts for another expectation"
            } else {
                "it was sent out of order"
            };
            format!("{}; {why}", one_line(seen.exchange))
        } else {
            likeness.differences.join(", ")
        };
        best = Some((distance, got, seen.index));
    }
    match best {
        Some((_, got, index)) => (got, Some(index)),
        None => (format!("no such request among the {} of the step", step.len()), None),
    }
}

/// Holds that no such request was sent.
pub(super) fn none(wanted: &WantedRequest, evidence: &Evidence<'_>) -> Option<Said> {
    let mut step = evidence.seen.iter().skip(evidence.from);
    let found = step.find(|seen| compare(wanted, seen, evidence.ids).differences.is_empty())?;
    Some(Said {
        expected: format!("no {}", describe(wanted)),
        got: one_line(found.exchange),
        guilty: Some(found.index),
    })
}

/// What is wanted, in one line.
fn describe(wanted: &WantedRequest) -> String {
    let parts = [
        wanted.method.map(|method| method.as_str().to_owned()),
        wanted.path.clone(),
        wanted.object.as_ref().map(|name| format!("about {name}")),
        wanted
            .operations
            .as_ref()
            .map(|operations| format!("operations {}", Value::from(operations.clone()))),
        wanted.body.as_ref().map(|body| format!("body {body}")),
        wanted.status.map(|status| match status {
            0 => "no answer".to_owned(),
            status => format!("status {status}"),
        }),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "request".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_where_taking_the_first_would_leave_one_over() {
        // The first wanted fits both, the second only the first.
        let fits = |wanted: usize, sent: usize| [[true, true], [true, false]][wanted][sent];
        assert_eq!(assign(2, 2, &fits), [Some(1), Some(0)]);
        assert_eq!(assign_in_order(2, 2, &fits), [Some(0), None]);
        assert_eq!(assign(2, 1, &|_, _| true), [Some(0), None]);
    }
}
