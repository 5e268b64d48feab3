//! A story: a directory and what happens to it, as parts that can be taken away one by one. It is told as a scenario.

use std::fmt::Write as _;

/// A directory, and what happens to it, to the app and to the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// What it is about.
    pub title: String,
    /// Keys of the job, each a line of the scenario: `job.scope = "all"`.
    pub settings: Vec<String>,
    /// Users that are there at the start.
    pub users: Vec<Row>,
    /// Groups that are there at the start.
    pub groups: Vec<Row>,
    /// Who is assigned, by name.
    pub assigned: Vec<String>,
    /// What happens, in turn.
    pub steps: Vec<Step>,
    /// What must hold at the end of the last step, each a line: `expect.oracle = "clean"`.
    pub expected: Vec<String>,
}

/// A user or group of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// userPrincipalName or displayName.
    pub name: String,
    /// The other attributes, by name, as TOML values.
    pub attributes: Vec<(String, String)>,
    /// Members of a group, by name.
    pub members: Vec<String>,
}

/// What happens at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Changes of the directory, each an inline table.
    pub edits: Vec<String>,
    /// What goes wrong, each an inline table.
    pub faults: Vec<String>,
    /// What is done to the job: `restart`.
    pub act: Option<String>,
    /// What a restart resets.
    pub reset: Option<String>,
    /// How far time moves: `40m`.
    pub advance: Option<String>,
}

/// Faults that end all others.
pub(super) fn all_over() -> Vec<String> {
    ["target", "source", "process"].map(|side| format!("{{ {side} = 'none' }}")).to_vec()
}

/// Whatever was wrong is over, and the job comes to rest: what failed is tried again, then what depended on it.
pub(super) fn quiescence() -> [Step; 3] {
    let cycle = Step { act: Some("cycle".to_owned()), ..Step::default() };
    [Step { faults: all_over(), act: Some("start".to_owned()), ..Step::default() }, cycle.clone(), cycle]
}

/// So long a quiet end is long enough: failures are tried again every day, and a quarantined job runs once a day
/// (`engine.md 5.3` and 6.4).
const REST: &str = "7d";

/// A text as TOML has it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Whether a fault is one of the job's process.
fn is_kill(fault: &str) -> bool {
    fault.contains("process = ")
}

impl Row {
    fn to_toml(&self, key: &str) -> String {
        let mut row = format!("{{ {key} = {}", quoted(&self.name));
        for (name, value) in &self.attributes {
            let _ = write!(row, ", {name} = {value}");
        }
        if !self.members.is_empty() {
            let members: Vec<String> = self.members.iter().map(|name| quoted(name)).collect();
            let _ = write!(row, ", members = [{}]", members.join(", "));
        }
        row + " }"
    }
}

impl Step {
    /// Whether it is one cycle and no time: whoever is killed in it waits for the next step.
    fn is_cycle_by_hand(&self) -> bool {
        self.act.as_deref() == Some("cycle") && self.advance.is_none()
    }

    /// The lines of the step, its heading among them.
    fn lines(&self) -> Vec<String> {
        let mut lines = vec!["[[step]]".to_owned()];
        for (key, tables) in [("edit", &self.edits), ("fault", &self.faults)] {
            match tables.as_slice() {
                [] => {}
                [one] => lines.push(format!("{key} = {one}")),
                many => lines.push(format!("{key} = [{}]", many.join(", "))),
            }
        }
        for (key, text) in [("do", &self.act), ("reset", &self.reset), ("advance", &self.advance)] {
            if let Some(text) = text {
                lines.push(format!("{key} = {}", quoted(text)));
            }
        }
        lines
    }
}

impl Story {
    /// The lines of the scenario that tells it; none is empty.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("title = {}", quoted(&self.title))];
        lines.extend(self.settings.iter().cloned());
        let list = |key: &str, rows: Vec<String>| {
            (!rows.is_empty()).then(|| format!("{key} = [{}]", rows.join(", ")))
        };
        lines.extend(list("user", self.users.iter().map(|row| row.to_toml("userPrincipalName")).collect()));
        lines.extend(list("group", self.groups.iter().map(|row| row.to_toml("displayName")).collect()));
        let assigned = self.assigned.iter().map(|name| format!("{{ principal = {} }}", quoted(name)));
        lines.extend(list("assignment", assigned.collect()));
        lines.extend(self.steps.iter().flat_map(Step::lines));
        lines.extend(self.expected.iter().cloned());
        lines
    }

    /// The scenario as a file, with empty lines where a reader wants them.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            if line == "[[step]]" {
                text.push('\n');
            }
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// Where its quiet end begins: steps in which nothing changes and nothing goes wrong.
    fn end(&self) -> usize {
        let is_over = |fault: &String| fault.contains("'none'");
        let is_loud = |step: &Step| !step.edits.is_empty() || !step.faults.iter().all(is_over);
        self.steps.iter().rposition(is_loud).map_or(0, |last| last + 1)
    }

    /// Whether the end is long enough for all that failed to be tried again, and what depended on it after that.
    pub(super) fn ends_quietly(&self) -> bool {
        let end = self.steps.get(self.end()..).unwrap_or_default();
        let cycles = end.iter().filter(|step| step.is_cycle_by_hand()).count();
        2 <= cycles || end.iter().any(|step| step.advance.as_deref() == Some(REST))
    }

    /// The same story with one step at its end in which time passes.
    pub(super) fn with_one_step_of_rest(&self) -> Self {
        let mut other = self.clone();
        other.steps.truncate(self.end());
        other.steps.push(Step { advance: Some(REST.to_owned()), ..Step::default() });
        other
    }

    /// Whether a process that is killed in it does the same as one that lives: it is started again within the step, and
    /// nothing changes before.
    pub(super) fn is_fair_to_the_killed(&self) -> bool {
        !self.steps.iter().take(self.end()).any(Step::is_cycle_by_hand)
    }

    /// Whether a restart drops what failed, which is then not tried again.
    pub(super) fn drops_failures(&self) -> bool {
        let is_kept = |reset: &Option<String>| reset.as_deref() == Some("watermark");
        self.steps.iter().any(|step| step.act.as_deref() == Some("restart") && !is_kept(&step.reset))
    }

    /// Whether somebody or something may be looked for under another name than the app knows: a restart forgets the
    /// links of those who were renamed, or will be before they are linked again.
    pub(super) fn may_lose_names(&self) -> bool {
        let clears = |step: &Step| step.reset.as_deref() == Some("full");
        let renames = |edit: &String| {
            edit.contains("set = { userPrincipalName")
                || edit.starts_with("{ group") && edit.contains("set = { displayName")
        };
        self.steps.iter().any(clears) && self.steps.iter().any(|step| step.edits.iter().any(renames))
    }

    /// Whether the process of the job is killed in it.
    pub(super) fn has_kills(&self) -> bool {
        self.steps.iter().any(|step| step.faults.iter().any(|fault| is_kill(fault)))
    }

    /// The same story, in which nobody is killed.
    pub(super) fn without_kills(&self) -> Self {
        let mut calm = self.clone();
        for step in &mut calm.steps {
            step.faults.retain(|fault| !is_kill(fault));
        }
        calm
    }

    /// The same story, with so many workers.
    pub(super) fn with_workers(&self, workers: u32) -> Self {
        let mut other = self.clone();
        other.settings.retain(|line| !line.starts_with(WORKERS));
        other.settings.push(format!("{WORKERS} = {workers}"));
        other
    }
}

/// The key that says how many requests are in flight at once.
pub(super) const WORKERS: &str = "job.fidelity.workers";
