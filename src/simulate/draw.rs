//! Draws a story from a seed: a directory of a few people, and what may become of them, the app and the job.
//!
//! Every change is one that the directory allows at that moment, so that a story can always be played. Equal seeds and
//! lengths give equal stories.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::story::{Row, Step, Story, WORKERS, all_over, quiescence, quoted};

/// How long a user can be taken back from the recycle bin, in minutes; a day short of the 30 days, so that no story
/// depends on the minute.
const RESTORABLE_MINUTES: u64 = 29 * 24 * 60;

/// After so many minutes of trouble everything is well for a step: what fails for four weeks is given up
/// (`engine.md 5.3`), and then the end of the story is another one by rule.
const TROUBLE_MINUTES: u64 = 20 * 24 * 60;

/// What may go wrong in a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    /// Nothing.
    Calm,
    /// The process of the job is killed, and started again at once.
    Kills,
    /// It is killed in cycles by hand, and things change before the next one.
    Interruptions,
    /// The app and the source fail in ways that show, and the process is killed.
    Faults,
    /// The app says one thing and does another.
    Lies,
}

/// A story, and what may go wrong in it.
pub(super) fn draw(seed: u64, cycles: u32) -> (Story, Weather) {
    let mut rng = Rng::with_seed(seed);
    let weather = match rng.u8(0..10) {
        0 => Weather::Calm,
        1 | 2 => Weather::Kills,
        3 | 4 => Weather::Interruptions,
        5..=7 => Weather::Faults,
        _ => Weather::Lies,
    };
    let mut drawing = Drawing {
        rng,
        weather,
        people: Vec::new(),
        groups: Vec::new(),
        freed: Vec::new(),
        skips: false,
        numbered: 0,
        is_long: false,
        minute: 0,
        well: 0,
    };
    let mut story = drawing.directory(seed);
    drawing.is_long = drawing.one_in(12);
    if drawing.is_long {
        story.settings.push("job.interval = \"1d\"".to_owned());
    }
    story.steps.push(Step { act: Some("initial cycle".to_owned()), ..drawing.step(false) });
    for _ in 1..cycles {
        story.steps.push(drawing.step(true));
    }
    story.steps.extend(quiescence());
    let word = if weather == Weather::Lies { "no defect" } else { "clean" };
    story.expected.push(format!("expect.oracle = {}", quoted(word)));
    (story, weather)
}

/// Where a user stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Here,
    /// In the recycle bin since this minute.
    Deleted(u64),
    Gone,
}

struct Person {
    name: String,
    life: Life,
    /// Assigned directly.
    assigned: bool,
    enabled: bool,
    has_manager: bool,
}

struct Group {
    name: String,
    here: bool,
    assigned: bool,
    members: BTreeSet<String>,
}

struct Drawing {
    rng: Rng,
    weather: Weather,
    people: Vec<Person>,
    groups: Vec<Group>,
    /// userPrincipalNames of those who have another one now.
    freed: Vec<String>,
    /// Whether accounts of those who leave scope stay as they are, their names included.
    skips: bool,
    /// How many names were made up.
    numbered: u32,
    /// Whether time moves by weeks.
    is_long: bool,
    /// Minutes since the start.
    minute: u64,
    /// When nothing was wrong last, in minutes since the start.
    well: u64,
}

const DEPARTMENTS: [&str; 3] = ["Sales", "IT", "R&D"];
const TITLES: [&str; 4] = ["Clerk", "Boss", "Größenwart", "Deputy of D'Arcy"];

impl Drawing {
    fn one_in(&mut self, times: u32) -> bool {
        self.rng.u32(0..times) == 0
    }

    fn pick<T: Copy>(&mut self, choices: &[T], fallback: T) -> T {
        self.rng.choice(choices.iter().copied()).unwrap_or(fallback)
    }

    /// An objectId that nobody had, as TOML has it.
    fn object_id(&mut self) -> String {
        self.numbered += 1;
        quoted(&format!("00000000-0000-4000-9000-{:012}", self.numbered))
    }

    /// A name that nobody had.
    fn fresh(&mut self, stem: &str) -> String {
        self.numbered += 1;
        format!("{stem}{}", self.numbered)
    }

    fn directory(&mut self, seed: u64) -> Story {
        let mut settings = Vec::new();
        if self.one_in(3) {
            settings.push("job.scope = \"all\"".to_owned());
        }
        if self.one_in(4) {
            settings.push(
                "job.filter = [{ object = \"user\", name = \"f\", clauses = [{ attribute = \"department\", operator = \
                 \"NOT EQUALS\", value = \"IT\" }] }]"
                    .to_owned(),
            );
        }
        if self.one_in(8) {
            settings.push("job.skip_out_of_scope_deletions = true".to_owned());
            self.skips = true;
        }
        if self.one_in(3) {
            let workers = self.pick(&[2, 4, 16], 4);
            settings.push(format!("{WORKERS} = {workers}"));
        }
        let (mut users, mut groups, mut assigned) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rng.u32(1..9) {
            let (row, person) = self.newcomer();
            if person.assigned {
                assigned.push(person.name.clone());
            }
            users.push(row);
            self.people.push(person);
        }
        for _ in 0..self.rng.u32(0..4) {
            let name = self.fresh("Team ");
            let members: BTreeSet<String> = self
                .people
                .iter()
                .filter(|_| self.rng.u8(0..2) == 0)
                .map(|person| person.name.clone())
                .collect();
            let group = Group { name: name.clone(), here: true, assigned: self.rng.u8(0..3) < 2, members };
            if group.assigned {
                assigned.push(name.clone());
            }
            groups.push(Row {
                name,
                attributes: Vec::new(),
                members: group.members.iter().cloned().collect(),
            });
            self.groups.push(group);
        }
        Story {
            title: format!("seed {seed}"),
            settings,
            users,
            groups,
            assigned,
            steps: Vec::new(),
            expected: Vec::new(),
        }
    }

    /// Somebody new, with a manager among those who are there.
    fn newcomer(&mut self) -> (Row, Person) {
        let nick = self.fresh("u");
        let name = format!("{nick}@contoso.com");
        let mut attributes = vec![
            ("displayName".to_owned(), quoted(&format!("User {nick}"))),
            ("mailNickname".to_owned(), quoted(&nick)),
        ];
        if self.one_in(2) {
            attributes.push(("department".to_owned(), quoted(self.pick(&DEPARTMENTS, "IT"))));
        }
        if self.one_in(3) {
            attributes.push(("jobTitle".to_owned(), quoted(self.pick(&TITLES, "Clerk"))));
        }
        let enabled = !self.one_in(8);
        if !enabled {
            attributes.push(("accountEnabled".to_owned(), "false".to_owned()));
        }
        let manager = if self.one_in(3) { self.somebody(|person| person.life == Life::Here) } else { None };
        let has_manager = manager.is_some();
        if let Some(at) = manager
            && let Some(manager) = self.people.get(at)
        {
            attributes.push(("manager".to_owned(), quoted(&manager.name)));
        }
        let person =
            Person { name: name.clone(), life: Life::Here, assigned: !self.one_in(3), enabled, has_manager };
        (Row { name, attributes, members: Vec::new() }, person)
    }

    /// The place of one of those.
    fn somebody(&mut self, which: impl Fn(&Person) -> bool) -> Option<usize> {
        let places = self.people.iter().enumerate().filter(|(_, person)| which(person)).map(|(at, _)| at);
        self.rng.choice(places.collect::<Vec<_>>())
    }

    fn some_group(&mut self, which: impl Fn(&Group) -> bool) -> Option<usize> {
        let places =
            self.groups.iter().enumerate().filter(|(_, group)| group.here && which(group)).map(|(at, _)| at);
        self.rng.choice(places.collect::<Vec<_>>())
    }

    fn step(&mut self, has_begun: bool) -> Step {
        let mut step = Step::default();
        if has_begun {
            for _ in 0..self.rng.u32(0..4) {
                step.edits.extend(self.edit());
            }
        }
        step.faults = self.faults();
        let minutes = match self.rng.u8(0..10) {
            0 if self.is_long => 31 * 24 * 60,
            1..=4 if self.is_long => 24 * 60,
            0 => 24 * 60,
            1 | 2 => 200,
            _ => 40,
        };
        self.minute += minutes;
        if self.weather == Weather::Faults && self.well + TROUBLE_MINUTES < self.minute {
            step.faults = all_over();
            self.well = self.minute;
        }
        step.advance = Some(format!("{minutes}m"));
        // Whoever is killed in a cycle by hand is not started again before the next step: the edits of that step then
        // come into the same cycle, and the story is another one than without the kill.
        let by_hand = match self.weather {
            Weather::Kills => false,
            Weather::Interruptions => !self.one_in(3),
            Weather::Calm | Weather::Faults | Weather::Lies => self.one_in(6),
        };
        if has_begun && by_hand {
            (step.act, step.advance) = (Some("cycle".to_owned()), None);
            self.minute -= minutes;
        } else if has_begun && self.one_in(12) {
            step.act = Some(self.pick(&["restart", "pause", "start"], "start").to_owned());
            // What is dropped while it fails is not tried again, and nobody's fault but the app's.
            let resets: &[&str] = match self.weather {
                Weather::Faults => &["watermark"],
                Weather::Calm | Weather::Kills | Weather::Interruptions | Weather::Lies => {
                    &["full", "watermark", "escrows", "watermark escrows"]
                }
            };
            let is_told = self.weather == Weather::Faults || self.one_in(2);
            if step.act.as_deref() == Some("restart") && is_told {
                step.reset = Some(self.pick(resets, "watermark").to_owned());
            }
        }
        step
    }

    fn faults(&mut self) -> Vec<String> {
        let mut faults = Vec::new();
        let (is_killed, wrong): (bool, &[&str]) = match self.weather {
            Weather::Calm => (false, &[]),
            Weather::Kills | Weather::Interruptions => (self.one_in(2), &[]),
            Weather::Faults => (self.one_in(3), &TROUBLES),
            Weather::Lies => (false, &LIES),
        };
        if is_killed {
            let words = [
                "process = 'killed'",
                "process = 'killed_unheard'",
                "process = 'killed_unheard', method = 'POST'",
            ];
            let word = self.pick(&words, "process = 'killed'");
            faults.push(self.narrowed(word, 3));
        }
        if wrong.is_empty() {
            return faults;
        }
        if self.one_in(3) {
            faults.push("{ target = 'none' }".to_owned());
        }
        if self.one_in(2) {
            let fault = self.pick(wrong, "target = 'down'");
            faults.push(self.narrowed(fault, 6));
        }
        if self.one_in(8) {
            let words = ["missing", "truncated", "empty", "half_written", "stale", "none", "none"];
            let drawn = self.pick(&words, "none");
            // Past the recycle bin a return that was kept back is not possible any more.
            let word = if self.is_long && drawn == "stale" { "none" } else { drawn };
            faults.push(format!("{{ source = '{word}' }}"));
        }
        faults
    }

    /// A fault for some requests; for those of one method, unless it says so itself.
    fn narrowed(&mut self, fault: &str, times_max: u32) -> String {
        let mut keys = fault.to_owned();
        let mut add = |key: &str| {
            keys.push_str(", ");
            keys.push_str(key);
        };
        if !fault.contains("method") && self.one_in(3) {
            add(&format!("method = '{}'", self.pick(&["GET", "POST", "PATCH", "DELETE"], "POST")));
        }
        if self.one_in(2) {
            add(&format!("after = {}", self.rng.u32(1..12)));
        }
        if self.one_in(2) {
            add(&format!("times = {}", self.rng.u32(1..=times_max)));
        }
        if self.one_in(5) {
            add(&format!("percent = {}", self.rng.u32(10..90)));
        }
        format!("{{ {keys} }}")
    }

    /// A change that the directory allows now; `None` when there is nobody for the kind that was drawn.
    fn edit(&mut self) -> Option<String> {
        match self.rng.u8(0..20) {
            0 | 1 => Some(self.join()),
            2..=5 => self.set_attribute(),
            6 => self.rename(),
            7 | 8 => self.set_manager(),
            9 | 10 => self.block(),
            11 | 12 => self.leave(),
            13 | 14 => self.come_back(),
            15 | 16 => self.assign(),
            17 | 18 => self.membership(),
            _ => self.group(),
        }
    }

    fn join(&mut self) -> String {
        let (mut row, mut person) = self.newcomer();
        if self.one_in(2)
            && let Some(freed) = self.freed.pop()
        {
            row.attributes.push(("objectId".to_owned(), self.object_id()));
            person.name = freed;
        }
        let attributes: Vec<String> =
            row.attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let assign = if person.assigned { ", assign = true" } else { "" };
        let edit =
            format!("{{ user = {}, add = {{ {} }}{assign} }}", quoted(&person.name), attributes.join(", "));
        self.people.push(person);
        edit
    }

    fn set_attribute(&mut self) -> Option<String> {
        let who = self.somebody(|person| person.life == Life::Here)?;
        let name = quoted(&self.people.get(who)?.name);
        Some(match self.rng.u8(0..5) {
            0 => format!("{{ user = {name}, clear = ['department'] }}"),
            1 => {
                format!("{{ user = {name}, set = {{ jobTitle = {} }} }}", quoted(self.pick(&TITLES, "Boss")))
            }
            2 => {
                let shown = self.fresh("Name ");
                format!("{{ user = {name}, set = {{ displayName = {} }} }}", quoted(&shown))
            }
            _ => format!(
                "{{ user = {name}, set = {{ department = {} }} }}",
                quoted(self.pick(&DEPARTMENTS, "Sales"))
            ),
        })
    }

    fn rename(&mut self) -> Option<String> {
        let who = self.somebody(|person| person.life == Life::Here)?;
        let fresh = format!("{}@contoso.com", self.fresh("r"));
        let person = self.people.get_mut(who)?;
        let old = std::mem::replace(&mut person.name, fresh.clone());
        // A name that the app may never see given up is free for nobody else.
        if !self.skips {
            self.freed.push(old.clone());
        }
        for group in &mut self.groups {
            if group.members.remove(&old) {
                group.members.insert(fresh.clone());
            }
        }
        Some(format!("{{ user = {}, set = {{ userPrincipalName = {} }} }}", quoted(&old), quoted(&fresh)))
    }

    fn set_manager(&mut self) -> Option<String> {
        let who = self.somebody(|person| person.life == Life::Here)?;
        let (name, has_manager) =
            self.people.get(who).map(|person| (quoted(&person.name), person.has_manager))?;
        if has_manager && self.one_in(3) {
            self.people.get_mut(who)?.has_manager = false;
            return Some(format!("{{ user = {name}, clear = ['manager'] }}"));
        }
        let other = self.somebody(|person| person.life == Life::Here).filter(|other| *other != who)?;
        let manager = quoted(&self.people.get(other)?.name);
        self.people.get_mut(who)?.has_manager = true;
        Some(format!("{{ user = {name}, set = {{ manager = {manager} }} }}"))
    }

    fn block(&mut self) -> Option<String> {
        let who = self.somebody(|person| person.life == Life::Here)?;
        let person = self.people.get_mut(who)?;
        person.enabled = !person.enabled;
        let word = if person.enabled { "enable" } else { "disable" };
        Some(format!("{{ user = {}, {word} = true }}", quoted(&person.name)))
    }

    fn leave(&mut self) -> Option<String> {
        let minute = self.minute;
        if self.one_in(4) {
            let who = self.somebody(|person| match person.life {
                Life::Here => true,
                Life::Deleted(since) => minute < since + RESTORABLE_MINUTES,
                Life::Gone => false,
            })?;
            let person = self.people.get_mut(who)?;
            person.life = Life::Gone;
            return Some(format!("{{ user = {}, purge = true }}", quoted(&person.name)));
        }
        let who = self.somebody(|person| person.life == Life::Here)?;
        let person = self.people.get_mut(who)?;
        person.life = Life::Deleted(minute);
        Some(format!("{{ user = {}, delete = true }}", quoted(&person.name)))
    }

    fn come_back(&mut self) -> Option<String> {
        let minute = self.minute;
        let restorable = |person: &Person| matches!(person.life, Life::Deleted(since) if minute < since + RESTORABLE_MINUTES);
        let who = self.somebody(restorable)?;
        let person = self.people.get_mut(who)?;
        if self.rng.u8(0..3) < 2 {
            person.life = Life::Here;
            return Some(format!("{{ user = {}, restore = true }}", quoted(&person.name)));
        }
        // Hired again under the old name, while the old one is in the recycle bin.
        person.life = Life::Gone;
        let name = person.name.clone();
        for group in &mut self.groups {
            group.members.remove(&name);
        }
        let id = self.object_id();
        let edit = format!(
            "{{ user = {}, add = {{ objectId = {id}, displayName = 'Hired again', mailNickname = 'again{}' }}, \
             assign = true }}",
            quoted(&name),
            self.numbered
        );
        self.people.push(Person {
            name,
            life: Life::Here,
            assigned: true,
            enabled: true,
            has_manager: false,
        });
        Some(edit)
    }

    fn assign(&mut self) -> Option<String> {
        if self.one_in(3) {
            let which = self.some_group(|_| true)?;
            let group = self.groups.get_mut(which)?;
            group.assigned = !group.assigned;
            let word = if group.assigned { "assign" } else { "unassign" };
            return Some(format!("{{ group = {}, {word} = true }}", quoted(&group.name)));
        }
        let who = self.somebody(|person| person.life == Life::Here)?;
        let person = self.people.get_mut(who)?;
        person.assigned = !person.assigned;
        let word = if person.assigned { "assign" } else { "unassign" };
        Some(format!("{{ user = {}, {word} = true }}", quoted(&person.name)))
    }

    fn membership(&mut self) -> Option<String> {
        let who = self.somebody(|person| person.life == Life::Here)?;
        let name = self.people.get(who)?.name.clone();
        let which = self.some_group(|_| true)?;
        let group = self.groups.get_mut(which)?;
        let word = if group.members.remove(&name) { "remove_members" } else { "add_members" };
        if word == "add_members" {
            group.members.insert(name.clone());
        }
        Some(format!("{{ group = {}, {word} = [{}] }}", quoted(&group.name), quoted(&name)))
    }

    fn group(&mut self) -> Option<String> {
        let which = self.some_group(|_| true);
        match (which, self.rng.u8(0..3)) {
            (Some(which), 0) => {
                let fresh = self.fresh("Team ");
                let group = self.groups.get_mut(which)?;
                let old = std::mem::replace(&mut group.name, fresh.clone());
                Some(format!("{{ group = {}, set = {{ displayName = {} }} }}", quoted(&old), quoted(&fresh)))
            }
            (Some(which), 1) => {
                let group = self.groups.get_mut(which)?;
                group.here = false;
                Some(format!("{{ group = {}, delete = true }}", quoted(&group.name)))
            }
            _ => {
                let name = self.fresh("Team ");
                let edit = format!("{{ group = {}, add = {{ }}, assign = true }}", quoted(&name));
                self.groups.push(Group { name, here: true, assigned: true, members: BTreeSet::new() });
                Some(edit)
            }
        }
    }
}

/// What shows in the app's answers, or by their absence.
const TROUBLES: [&str; 19] = [
    "target = 'down'",
    "target = 'unauthorized'",
    "target = 'throttled'",
    "target = 'throttled', retry_after = '30s'",
    "target = 'throttled', retry_after = '2h'",
    "target = 'error'",
    "target = 'error', status = 503",
    "target = 'error', status = 400",
    "target = 'html'",
    "target = 'lost_reply'",
    "target = 'lost_reply', method = 'POST'",
    "target = 'slow'",
    "target = 'slow', latency = '5s'",
    "target = 'not_found_when_empty'",
    "target = 'wrong_content_type'",
    "target = 'limits', of = 'AWS'",
    "target = 'limits', of = 'Slack'",
    "target = 'limits', of = 'Miro'",
    "target = 'limits', of = 'dbt'",
];

/// What no answer tells. An app that does not read its own writes is left out: the laws take it for granted that it does.
const LIES: [&str; 9] = [
    "target = 'html', status = 200",
    "target = 'patch_ignored'",
    "target = 'remove_wipes'",
    "target = 'rewrites'",
    "target = 'two_matches'",
    "target = 'rewrites', attribute = 'userName'",
    "target = 'error', status = 404, method = 'GET'",
    "target = 'error', status = 409",
    "target = 'lost_reply'",
];
