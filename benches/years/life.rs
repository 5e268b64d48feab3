//! A directory that lives: who joins, moves, leaves and changes groups, day by day, drawn from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use scimulator::directory::generate::{
    ASSIGNMENT_COLUMNS, GROUP_COLUMNS, MEMBER_COLUMNS, Population, USER_COLUMNS,
};

/// Columns of a user row that are used by place.
const ID: usize = 0;
const NAME: usize = 1;
const ENABLED: usize = 7;
const TITLE: usize = 9;
const DEPARTMENT: usize = 10;
const MANAGER: usize = 12;

/// What happens on a working day.
const JOINERS: usize = 2;
const MOVERS: usize = 2;
const LEAVERS: usize = 2;
const MEMBERSHIPS: usize = 3;
/// Days between being blocked and being deleted.
const BLOCKED: usize = 7;

/// What happens to the app in each year, by day: steps that stand before the day's own one.
const TROUBLES: [(u32, &str); 6] = [
    // Nobody listens for three days: quarantine.
    (100, "fault = { target = \"down\" }\n"),
    (103, "fault = { target = \"none\" }\n"),
    // Half of the PATCHes of a day are throttled, and some of them twice: escrows.
    (200, "fault = { target = \"throttled\", method = \"PATCH\", percent = 50, retry_after = \"30s\" }\n"),
    (201, "fault = { target = \"none\" }\n"),
    // Creates are refused for a week: escrows that are tried again ever later.
    (300, "fault = { target = \"error\", status = 400, method = \"POST\" }\n"),
    (307, "fault = { target = \"none\" }\n"),
];

/// What happens to the directory.
pub(super) enum Happening {
    /// Somebody new, as a row.
    Joins(Box<[String; 13]>),
    /// Somebody's columns change.
    Changes {
        user: String,
        values: Vec<(usize, String)>,
    },
    Leaves {
        user: String,
    },
    Membership {
        group: String,
        user: String,
        present: bool,
    },
}

/// The directory as it is.
pub(super) struct Life {
    users: BTreeMap<String, [String; 13]>,
    groups: Vec<[String; 5]>,
    /// Group and member by objectId.
    members: BTreeSet<[String; 2]>,
    assignments: BTreeSet<[String; 2]>,
    /// Who is blocked and will leave.
    leaving: Vec<String>,
    joined: u32,
    days: u32,
    draws: u64,
}

impl Life {
    pub(super) fn new(users: u32, seed: u64) -> Self {
        let population = Population::new(users, seed);
        Self {
            users: population.user_rows().map(|row| (row[NAME].clone(), row)).collect(),
            groups: population.group_rows().collect(),
            members: population.member_rows().collect(),
            assignments: population.assignment_rows().collect(),
            leaving: Vec::new(),
            joined: 0,
            days: 0,
            draws: seed,
        }
    }

    /// Writes the directory's files anew.
    pub(super) fn write(&self, folder: &Path) {
        file(folder, "users.csv", &USER_COLUMNS, self.users.values());
        file(folder, "groups.csv", &GROUP_COLUMNS, &self.groups);
        file(folder, "members.csv", &MEMBER_COLUMNS, &self.members);
        file(folder, "assignments.csv", &ASSIGNMENT_COLUMNS, &self.assignments);
    }

    /// Lives one more day, a Monday at first. On weekends nothing happens.
    pub(super) fn day(&mut self) -> Vec<Happening> {
        let mut happenings = Vec::new();
        self.days += 1;
        if 5 <= (self.days - 1) % 7 {
            return happenings;
        }
        for _ in 0..JOINERS {
            happenings.push(self.joins());
        }
        for _ in 0..MOVERS {
            let user = self.somebody();
            let values = vec![
                (TITLE, format!("Title {}", self.draw(20))),
                (DEPARTMENT, format!("Department {}", self.draw(20))),
            ];
            happenings.push(self.changes(user, values));
        }
        for _ in 0..MEMBERSHIPS {
            let (user, group) = (self.somebody(), self.draw(self.groups.len()));
            let edge = [self.groups[group][0].clone(), self.users[&user][ID].clone()];
            let present = !self.members.remove(&edge);
            if present {
                self.members.insert(edge);
            }
            happenings.push(Happening::Membership { group: self.groups[group][1].clone(), user, present });
        }
        for _ in 0..LEAVERS {
            let user = self.somebody();
            if let Some(row) = self.users.get_mut(&user)
                && !self.leaving.contains(&user)
            {
                "False".clone_into(&mut row[ENABLED]);
                self.leaving.push(user.clone());
                happenings.push(Happening::Changes { user, values: vec![(ENABLED, "False".to_owned())] });
            }
        }
        while BLOCKED * LEAVERS < self.leaving.len() {
            let user = self.leaving.remove(0);
            if let Some(row) = self.users.remove(&user) {
                self.members.retain(|[_, member]| *member != row[ID]);
                self.assignments.retain(|[principal, _]| *principal != row[ID]);
                let reports = self.users.values().filter(|report| report[MANAGER] == row[ID]);
                for report in reports.map(|report| report[NAME].clone()).collect::<Vec<_>>() {
                    happenings.push(self.changes(report, vec![(MANAGER, row[MANAGER].clone())]));
                }
            }
            happenings.push(Happening::Leaves { user });
        }
        happenings
    }

    fn changes(&mut self, user: String, values: Vec<(usize, String)>) -> Happening {
        if let Some(row) = self.users.get_mut(&user) {
            for (column, value) in &values {
                row[*column].clone_from(value);
            }
        }
        Happening::Changes { user, values }
    }

    fn joins(&mut self) -> Happening {
        self.joined += 1;
        let alias = format!("joiner{}", self.joined);
        let manager = self.somebody();
        let manager = self.users[&manager][ID].clone();
        let id = format!("5c1a0000-0000-4000-8000-{:012}", self.joined);
        let row = [
            id.clone(),
            format!("{alias}@contoso.com"),
            format!("Joiner {}", self.joined),
            "Joiner".to_owned(),
            self.joined.to_string(),
            format!("{alias}@contoso.com"),
            alias,
            "True".to_owned(),
            "Member".to_owned(),
            "Analyst".to_owned(),
            "Sales".to_owned(),
            "DE".to_owned(),
            manager,
        ];
        self.users.insert(row[NAME].clone(), row.clone());
        self.assignments.insert([id, String::new()]);
        Happening::Joins(Box::new(row))
    }

    fn somebody(&mut self) -> String {
        let place = self.draw(self.users.len());
        self.users.keys().nth(place).cloned().unwrap_or_default()
    }

    /// A number below `end` (`SplitMix64`).
    fn draw(&mut self, end: usize) -> usize {
        self.draws = self.draws.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.draws;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from((z ^ (z >> 31)) % end).unwrap_or_default()
    }

    /// So many days as a scenario, whose directory is beside it.
    pub(super) fn scenario(&mut self, days: u32) -> String {
        let mut text =
            "title = \"Years\"\ndirectory = \".\"\nseed = 7\n\n[[step]]\ndo = \"initial cycle\"\n".to_owned();
        for day in 1..=days {
            writeln!(text, "\n[[step]]\nat = \"+{day}d\"").unwrap();
            for (at, trouble) in TROUBLES {
                if at == day % 365 {
                    text.push_str(trouble);
                }
            }
            text.push_str("edit = [\n");
            for happening in self.day() {
                happening.edit(&mut text);
            }
            text.push_str("]\n");
        }
        text.push_str(
            "\n[[step]]\nexpect.oracle = \"clean\"\nexpect.job = { status = \"Active\", escrows = 0 }\n",
        );
        text
    }
}

impl Happening {
    /// As edits of a scenario's step.
    fn edit(&self, text: &mut String) {
        match self {
            Self::Joins(row) => {
                let attributes: Vec<String> = USER_COLUMNS
                    .iter()
                    .zip(row.iter())
                    .filter(|(column, _)| **column != "userPrincipalName")
                    .map(|(column, value)| format!("{column} = {value:?}"))
                    .collect();
                let user = &row[NAME];
                writeln!(
                    text,
                    "  {{ user = {user:?}, add = {{ {} }}, assign = true }},",
                    attributes.join(", ")
                )
            }
            Self::Changes { user, values } => {
                let (empty, filled): (Vec<_>, Vec<_>) =
                    values.iter().partition(|(_, value)| value.is_empty());
                let set =
                    filled.iter().map(|(column, value)| format!("{} = {value:?}", USER_COLUMNS[*column]));
                let clear = empty.iter().map(|(column, _)| format!("{:?}", USER_COLUMNS[*column]));
                let (set, clear) = (set.collect::<Vec<_>>().join(", "), clear.collect::<Vec<_>>().join(", "));
                writeln!(text, "  {{ user = {user:?}, set = {{ {set} }}, clear = [{clear}] }},")
            }
            Self::Leaves { user } => writeln!(text, "  {{ user = {user:?}, delete = true }},"),
            Self::Membership { group, user, present } => {
                let how = if *present { "add_members" } else { "remove_members" };
                writeln!(text, "  {{ group = {group:?}, {how} = [{user:?}] }},")
            }
        }
        .unwrap();
    }
}

fn file<'r, const N: usize>(
    folder: &Path,
    name: &str,
    columns: &[&str],
    rows: impl IntoIterator<Item = &'r [String; N]>,
) {
    let mut writer = csv::Writer::from_path(folder.join(name)).unwrap();
    writer.write_record(columns).unwrap();
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.flush().unwrap();
}
