//! Makes a story that breaks a law as small as it gets: parts are taken away as long as the same thing goes wrong.

use super::story::{Row, Step, Story, quoted};

/// Takes away whatever can go; `fails` says whether a story still goes wrong in the same way.
pub(super) fn reduce(story: &Story, fails: &mut dyn FnMut(&Story) -> bool) -> Story {
    let mut best = story.clone();
    loop {
        let before = best.clone();
        for list in LISTS {
            shorten(&mut best, *list, fails);
        }
        everybody_in_scope(&mut best, fails);
        for at in 0..best.steps.len() {
            within_step(&mut best, at, fails);
        }
        join_steps(&mut best, fails);
        let rested = best.with_one_step_of_rest();
        keep_if(&mut best, rested, fails);
        postpone(&mut best, fails);
        for at in 0..best.users.len().max(best.groups.len()) {
            within_row(&mut best, at, fails);
        }
        if best == before && !jointly(&mut best, fails) {
            return best;
        }
    }
}

/// A list of a story.
#[derive(Debug, Clone, Copy)]
enum List {
    Steps,
    Users,
    Groups,
    Assigned,
    Settings,
}

const LISTS: &[List] = &[List::Steps, List::Users, List::Groups, List::Assigned, List::Settings];

impl List {
    fn len(self, story: &Story) -> usize {
        match self {
            Self::Steps => story.steps.len(),
            Self::Users => story.users.len(),
            Self::Groups => story.groups.len(),
            Self::Assigned => story.assigned.len(),
            Self::Settings => story.settings.len(),
        }
    }

    /// The story without these of the list. Whoever goes is named nowhere any more.
    fn without(self, story: &Story, from: usize, to: usize) -> Story {
        let mut less = story.clone();
        let gone: Vec<String> = match self {
            Self::Steps => {
                less.steps.drain(from..to);
                Vec::new()
            }
            Self::Users => less.users.drain(from..to).map(|row| row.name).collect(),
            Self::Groups => less.groups.drain(from..to).map(|row| row.name).collect(),
            Self::Assigned => {
                less.assigned.drain(from..to);
                Vec::new()
            }
            Self::Settings => {
                less.settings.drain(from..to);
                Vec::new()
            }
        };
        for name in gone {
            forget(&mut less, &name);
        }
        less
    }
}

/// Takes a name out of everything that may hold it; edits and faults about it go as a whole.
fn forget(story: &mut Story, name: &str) {
    let quoted = quoted(name);
    for row in story.users.iter_mut().chain(&mut story.groups) {
        row.members.retain(|member| member != name);
        row.attributes.retain(|(_, value)| *value != quoted);
    }
    story.assigned.retain(|principal| principal != name);
    for step in &mut story.steps {
        step.edits.retain(|edit| !edit.contains(&quoted));
        step.faults.retain(|fault| !fault.contains(&quoted));
    }
}

/// Takes pieces out of a list, large ones first.
fn shorten(best: &mut Story, list: List, fails: &mut dyn FnMut(&Story) -> bool) {
    let mut size = list.len(best);
    while 0 < size {
        let mut from = 0;
        while from < list.len(best) {
            let to = (from + size).min(list.len(best));
            if !keep_if(best, list.without(best, from, to), fails) {
                from += size;
            }
        }
        size /= 2;
    }
}

/// One line for all who have to be assigned, and for the groups that do it.
fn everybody_in_scope(best: &mut Story, fails: &mut dyn FnMut(&Story) -> bool) {
    let mut simpler = best.clone();
    simpler.assigned.clear();
    simpler.settings = vec!["job.scope = \"all\"".to_owned()];
    let groups = List::Groups.without(&simpler, 0, simpler.groups.len());
    if !keep_if(best, groups, fails) {
        keep_if(best, simpler, fails);
    }
}

/// Takes the other story if it is smaller and still goes wrong.
fn keep_if(best: &mut Story, less: Story, fails: &mut dyn FnMut(&Story) -> bool) -> bool {
    let is_so = measure(&less) < measure(best) && fails(&less);
    if is_so {
        *best = less;
    }
    is_so
}

/// What makes a story large: its lines, faults that somebody has to end or that count requests, its letters.
fn measure(story: &Story) -> (usize, usize, usize) {
    let is_vague = |fault: &&String| {
        let is_lasting = !fault.contains("'none'") && !fault.contains("times") && !fault.contains("process");
        is_lasting || fault.contains(", after =") || fault.contains("percent")
    };
    let faults = story.steps.iter().flat_map(|step| &step.faults).filter(is_vague).count();
    let lines = story.lines();
    (lines.len(), faults, lines.iter().map(String::len).sum())
}

/// Everything that can be simpler about one step.
fn within_step(best: &mut Story, at: usize, fails: &mut dyn FnMut(&Story) -> bool) {
    type Change = fn(&mut Step);
    const SIMPLER: &[Change] = &[
        |step| step.faults.clear(),
        |step| step.edits.clear(),
        |step| (step.act, step.reset) = (None, None),
        |step| step.reset = None,
        |step| step.advance = None,
        |step| step.advance = step.advance.as_ref().map(|_| "40m".to_owned()),
        |step| (step.act, step.reset, step.advance) = (Some("cycle".to_owned()), None, None),
        |step| (step.act, step.reset, step.advance) = (None, None, Some("2h".to_owned())),
    ];
    for change in SIMPLER {
        let mut less = best.clone();
        if let Some(step) = less.steps.get_mut(at) {
            change(step);
        }
        keep_if(best, less, fails);
    }
    let lists: [fn(&mut Step) -> &mut Vec<String>; 2] = [|step| &mut step.edits, |step| &mut step.faults];
    for list in lists {
        let mut place = 0;
        loop {
            let mut less = best.clone();
            let Some(items) = less.steps.get_mut(at).map(list).filter(|items| place < items.len()) else {
                break;
            };
            items.remove(place);
            if !keep_if(best, less, fails) {
                place += 1;
            }
        }
    }
    for place in 0..best.steps.get(at).map_or(0, |step| step.faults.len()) {
        let fault = |story: &Story| Some(story.steps.get(at)?.faults.get(place)?.clone());
        let Some(whole) = fault(best) else { return };
        for simpler in simpler_faults(&whole, &best.users) {
            let mut less = best.clone();
            if let Some(fault) = less.steps.get_mut(at).and_then(|step| step.faults.get_mut(place)) {
                *fault = simpler;
            }
            if keep_if(best, less, fails) {
                break;
            }
        }
        for key in ["after", "times"] {
            let Some(number) = fault(best).and_then(|fault| number_of(&fault, key)) else { continue };
            for smaller in 1..number {
                let mut less = best.clone();
                if let Some(fault) = less.steps.get_mut(at).and_then(|step| step.faults.get_mut(place)) {
                    *fault = fault.replace(&format!("{key} = {number}"), &format!("{key} = {smaller}"));
                }
                if keep_if(best, less, fails) {
                    break;
                }
            }
        }
    }
}

/// Makes one fault simpler where that only works when another one counts otherwise.
fn jointly(best: &mut Story, fails: &mut dyn FnMut(&Story) -> bool) -> bool {
    const AFTER_MAX: u32 = 8;
    let places: Vec<(usize, usize)> = best
        .steps
        .iter()
        .enumerate()
        .flat_map(|(at, step)| (0..step.faults.len()).map(move |place| (at, place)))
        .collect();
    let fault =
        |story: &Story, (at, place): (usize, usize)| Some(story.steps.get(at)?.faults.get(place)?.clone());
    for one in &places {
        let Some(whole) = fault(best, *one) else { continue };
        for other in places.iter().filter(|other| *other != one) {
            let Some(counting) = fault(best, *other) else { continue };
            let Some(number) = number_of(&counting, "after") else { continue };
            for simpler in simpler_faults(&whole, &best.users) {
                for after in 1..=AFTER_MAX {
                    let mut less = best.clone();
                    let recounted =
                        counting.replace(&format!("after = {number}"), &format!("after = {after}"));
                    for ((at, place), text) in [(*one, simpler.clone()), (*other, recounted)] {
                        if let Some(fault) =
                            less.steps.get_mut(at).and_then(|step| step.faults.get_mut(place))
                        {
                            *fault = text;
                        }
                    }
                    if keep_if(best, less, fails) {
                        return true;
                    }
                }
            }
        }
    }
    false
}

/// A fault with fewer keys, the shortest first; then those that say outright which request meets it, so that it does not
/// depend on how many there are; and those that end by themselves.
fn simpler_faults(fault: &str, users: &[Row]) -> Vec<String> {
    const KEYS: [&str; 5] = [", percent", ", times", ", method", ", after", ", retry_after"];
    let bare = KEYS.iter().fold(fault.to_owned(), |fault, key| without_key(&fault, key));
    let mut simpler = vec![bare.clone()];
    simpler.extend(KEYS.iter().map(|key| without_key(fault, key)));
    if fault.contains("'none'") {
        return simpler;
    }
    if fault.contains("source") {
        // A cycle that fails as a whole, and that once.
        return vec!["{ target = 'down', times = 1 }".to_owned()];
    }
    let with = |fault: &str, key: &str| fault.replace(" }", &format!(", {key} }}"));
    let once = if fault.contains("process") { bare } else { with(&bare, "times = 1") };
    simpler.push(once.clone());
    for method in ["POST", "PATCH", "DELETE", "GET"] {
        let of_method = with(&once, &format!("method = '{method}'"));
        simpler.push(of_method.clone());
        let about = users.iter().map(|user| with(&of_method, &format!("user = {}", quoted(&user.name))));
        simpler.extend(about);
    }
    if !fault.contains("times") {
        simpler.extend([with(fault, "times = 1"), with(fault, "times = 2")]);
    }
    simpler
}

/// The number that a key of an inline table has.
fn number_of(table: &str, key: &str) -> Option<u32> {
    let rest = table.split_once(&format!(", {key} = "))?.1;
    rest.split([',', ' ']).next()?.parse().ok()
}

/// An inline table without one of its keys, of which it has others.
fn without_key(table: &str, key: &str) -> String {
    let Some((before, rest)) = table.split_once(key) else { return table.to_owned() };
    let after = rest.find(',').or_else(|| rest.find(" }")).and_then(|end| rest.get(end..)).unwrap_or(" }");
    format!("{before}{after}")
}

/// Lets a fault begin one step later, and ends the step with one cycle.
fn postpone(best: &mut Story, fails: &mut dyn FnMut(&Story) -> bool) {
    for at in 1..best.steps.len() {
        for place in 0..best.steps.get(at - 1).map_or(0, |step| step.faults.len()) {
            let mut later = best.clone();
            let Some(fault) = later.steps.get_mut(at - 1).and_then(|step| {
                (step.act, step.reset, step.advance) = (Some("cycle".to_owned()), None, None);
                (place < step.faults.len()).then(|| step.faults.remove(place))
            }) else {
                break;
            };
            for fault in [without_key(&fault, ", after"), fault] {
                let mut later = later.clone();
                if let Some(step) = later.steps.get_mut(at) {
                    step.faults.insert(0, fault);
                }
                if keep_if(best, later, fails) {
                    break;
                }
            }
        }
    }
}

/// Makes one step of two that follow each other.
fn join_steps(best: &mut Story, fails: &mut dyn FnMut(&Story) -> bool) {
    let mut at = 0;
    while at + 1 < best.steps.len() {
        let mut joined = best.clone();
        let first = joined.steps.remove(at);
        let Some(second) = joined.steps.get_mut(at) else { return };
        second.edits.splice(0..0, first.edits);
        second.faults.splice(0..0, first.faults);
        // Time for the cycles of both, whatever it is that starts them.
        let mut patient = joined.clone();
        if let Some(step) = patient.steps.get_mut(at) {
            (step.act, step.reset, step.advance) = (None, None, Some("1d".to_owned()));
        }
        if let Some(second) = joined.steps.get_mut(at) {
            if second.act.is_none() {
                (second.act, second.reset) = (first.act, first.reset);
            }
            second.advance = match (first.advance, second.advance.take()) {
                (None, None) => None,
                (Some(advance), None) | (None, Some(advance)) => Some(advance),
                (Some(_), Some(_)) => Some("2h".to_owned()),
            };
        }
        if !keep_if(best, joined, fails) && !keep_if(best, patient, fails) {
            at += 1;
        }
    }
}

/// Takes attributes and members away from the users and groups at a place.
fn within_row(best: &mut Story, at: usize, fails: &mut dyn FnMut(&Story) -> bool) {
    let rows: [fn(&mut Story) -> &mut Vec<Row>; 2] = [|story| &mut story.users, |story| &mut story.groups];
    for rows in rows {
        for attributes in [true, false] {
            let mut place = 0;
            loop {
                let mut less = best.clone();
                let Some(row) = rows(&mut less).get_mut(at) else { break };
                let count = if attributes { row.attributes.len() } else { row.members.len() };
                if count <= place {
                    break;
                }
                if attributes {
                    row.attributes.remove(place);
                } else {
                    row.members.remove(place);
                }
                if !keep_if(best, less, fails) {
                    place += 1;
                }
            }
        }
    }
}
