//! Made-up directories of any size: the same number of users and seed give the same bytes.
//!
//! Every row is a pure function of the seed and its number, so nothing is held in memory. [`generate`] writes them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Users a group has in the mean; also how many users there are to one group.
const USERS_PER_GROUP: u32 = 20;

/// Reports a manager has.
const REPORTS_PER_MANAGER: u32 = 8;

/// One group in so many has the next one as a member as well.
const NESTED_EVERY: u32 = 10;

/// One group in so many is not assigned, so that some users are out of scope.
const UNASSIGNED_EVERY: u32 = 5;

/// One user in so many is a guest, is disabled, is assigned directly.
const GUEST_EVERY: u64 = 40;
const DISABLED_EVERY: u64 = 30;
const DIRECT_EVERY: u64 = 25;

/// Given names and what a mail address makes of them.
const GIVEN_NAMES: [(&str, &str); 32] = [
    ("Adele", "adele"),
    ("Alexandre", "alexandre"),
    ("Amélie", "amelie"),
    ("Andrés", "andres"),
    ("Ayşe", "ayse"),
    ("Björn", "bjorn"),
    ("Chloé", "chloe"),
    ("D'Angelo", "dangelo"),
    ("Eilís", "eilis"),
    ("Emeka", "emeka"),
    ("Fatima", "fatima"),
    ("François", "francois"),
    ("Grace", "grace"),
    ("Haruto", "haruto"),
    ("Ingrid", "ingrid"),
    ("Jean-Luc", "jeanluc"),
    ("João", "joao"),
    ("Kofi", "kofi"),
    ("Lucía", "lucia"),
    ("Mæve", "maeve"),
    ("Mei", "mei"),
    ("Nikola", "nikola"),
    ("Oluwaseun", "oluwaseun"),
    ("Priya", "priya"),
    ("Renée", "renee"),
    ("Sean", "sean"),
    ("Siobhán", "siobhan"),
    ("Tomáš", "tomas"),
    ("Ursula", "ursula"),
    ("Wei", "wei"),
    ("Zoë", "zoe"),
    ("Łukasz", "lukasz"),
];

/// Surnames and what a mail address makes of them.
const SURNAMES: [(&str, &str); 32] = [
    ("Ångström", "angstrom"),
    ("Bianchi", "bianchi"),
    ("Carter", "carter"),
    ("Çelik", "celik"),
    ("Chen", "chen"),
    ("D'Souza", "dsouza"),
    ("de la Cruz", "delacruz"),
    ("Dvořák", "dvorak"),
    ("Eze", "eze"),
    ("Fernández", "fernandez"),
    ("García", "garcia"),
    ("Hansen", "hansen"),
    ("Ito", "ito"),
    ("Jørgensen", "jorgensen"),
    ("Kowalski", "kowalski"),
    ("Lefèvre", "lefevre"),
    ("MacLeod", "macleod"),
    ("Mensah", "mensah"),
    ("Müller", "muller"),
    ("Nguyễn", "nguyen"),
    ("O'Brien", "obrien"),
    ("O'Neill", "oneill"),
    ("Okafor", "okafor"),
    ("Papadopoulos", "papadopoulos"),
    ("Patel", "patel"),
    ("Petrović", "petrovic"),
    ("Rossi", "rossi"),
    ("Sánchez", "sanchez"),
    ("Smith-Jones", "smithjones"),
    ("Tanaka", "tanaka"),
    ("van den Berg", "vandenberg"),
    ("Yılmaz", "yilmaz"),
];

const DEPARTMENTS: [&str; 8] = [
    "Engineering",
    "Finance",
    "Human Resources",
    "Legal",
    "Marketing",
    "Operations",
    "Research & Development",
    "Sales",
];

const JOB_TITLES: [&str; 6] = ["Analyst", "Assistant", "Consultant", "Engineer", "Manager", "Specialist"];

const CITIES: [(&str, &str); 6] = [
    ("Dublin", "IE"),
    ("Kraków", "PL"),
    ("Lagos", "NG"),
    ("München", "DE"),
    ("São Paulo", "BR"),
    ("Zürich", "CH"),
];

/// Headings of the user rows.
pub const USER_COLUMNS: [&str; 13] = [
    "objectId",
    "userPrincipalName",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "mailNickname",
    "accountEnabled",
    "userType",
    "jobTitle",
    "department",
    "usageLocation",
    "manager",
];

/// Headings of the group rows.
pub const GROUP_COLUMNS: [&str; 5] =
    ["objectId", "displayName", "description", "mailNickname", "securityEnabled"];

/// Headings of the membership rows.
pub const MEMBER_COLUMNS: [&str; 2] = ["group", "member"];

/// Headings of the assignment rows.
pub const ASSIGNMENT_COLUMNS: [&str; 2] = ["principal", "appRole"];

/// A directory that is determined by its size and a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    users: u32,
    seed: u64,
}

impl Population {
    /// So many users, and a group to every 20 of them, but at least one group when there are users.
    pub fn new(users: u32, seed: u64) -> Self {
        Self { users, seed }
    }

    /// How many groups there are.
    pub fn groups(self) -> u32 {
        self.users.div_ceil(USERS_PER_GROUP)
    }

    /// The rows of `users.csv`, in the order of [`USER_COLUMNS`]. Managers form a tree below the first user.
    pub fn user_rows(self) -> impl Iterator<Item = [String; 13]> {
        (0..self.users).map(move |user| self.user_row(user))
    }

    /// The rows of `groups.csv`, in the order of [`GROUP_COLUMNS`].
    pub fn group_rows(self) -> impl Iterator<Item = [String; 5]> {
        (0..self.groups()).map(move |group| {
            let nickname = format!("group{}", group + 1);
            let department = pick(&DEPARTMENTS, self.draw("department", group)).copied().unwrap_or_default();
            [
                self.id("group", group),
                format!("{department} {}", group + 1),
                format!("Made-up group {} of {}", group + 1, self.groups()),
                nickname,
                "True".to_owned(),
            ]
        })
    }

    /// The rows of `members.csv`, in the order of [`MEMBER_COLUMNS`]: each user is in one group by its number, and
    /// most are in a second one; some groups hold the next group.
    pub fn member_rows(self) -> impl Iterator<Item = [String; 2]> {
        let users = (0..self.users).flat_map(move |user| {
            let first = user / USERS_PER_GROUP;
            let second = below(self.draw("second group", user), self.groups());
            [Some(first), (second != first).then_some(second)]
                .into_iter()
                .flatten()
                .map(move |group| [self.id("group", group), self.id("user", user)])
        });
        let nested = (0..self.groups().saturating_sub(1))
            .filter(|group| group.is_multiple_of(NESTED_EVERY))
            .map(move |group| [self.id("group", group), self.id("group", group + 1)]);
        users.chain(nested)
    }

    /// The rows of `assignments.csv`, in the order of [`ASSIGNMENT_COLUMNS`]: most groups, and some users. The role is
    /// the default access.
    pub fn assignment_rows(self) -> impl Iterator<Item = [String; 2]> {
        let groups = (0..self.groups())
            .filter(|group| group % UNASSIGNED_EVERY != UNASSIGNED_EVERY - 1)
            .map(move |group| [self.id("group", group), String::new()]);
        let users = (0..self.users)
            .filter(move |user| self.draw("direct", *user).is_multiple_of(DIRECT_EVERY))
            .map(move |user| [self.id("user", user), String::new()]);
        groups.chain(users)
    }

    fn user_row(self, user: u32) -> [String; 13] {
        let ((given, given_mail), (surname, surname_mail), round) = self.name(user);
        let round = if round == 0 { String::new() } else { (round + 1).to_string() };
        let alias = format!("{given_mail}.{surname_mail}{round}");
        let guest = user != 0 && self.draw("guest", user).is_multiple_of(GUEST_EVERY);
        let (name, mail) = if guest {
            (
                format!("{alias}_fabrikam.example#EXT#@contoso.onmicrosoft.com"),
                format!("{alias}@fabrikam.example"),
            )
        } else {
            (format!("{alias}@contoso.com"), format!("{alias}@contoso.com"))
        };
        let enabled = !self.draw("enabled", user).is_multiple_of(DISABLED_EVERY);
        let title = pick(&JOB_TITLES, self.draw("title", user)).copied().unwrap_or_default();
        let department = pick(&DEPARTMENTS, self.draw("user department", user)).copied().unwrap_or_default();
        let (_, country) = pick(&CITIES, self.draw("city", user)).copied().unwrap_or_default();
        let manager = user.checked_sub(1).map(|before| self.id("user", before / REPORTS_PER_MANAGER));
        [
            self.id("user", user),
            name,
            format!("{given} {surname}"),
            given.to_owned(),
            surname.to_owned(),
            mail,
            alias,
            if enabled { "True" } else { "False" }.to_owned(),
            if guest { "Guest" } else { "Member" }.to_owned(),
            title.to_owned(),
            department.to_owned(),
            country.to_owned(),
            manager.unwrap_or_default(),
        ]
    }

    /// A pair of names that no other user of the same round has, and the round.
    fn name(self, user: u32) -> ((&'static str, &'static str), (&'static str, &'static str), u32) {
        let pairs = u32::try_from(GIVEN_NAMES.len() * SURNAMES.len()).unwrap_or(1);
        let (round, place) = (user / pairs, user % pairs);
        // The number of pairs is a power of two, so an odd factor reaches each of them once.
        let factor = below(self.draw("names", 0), pairs) | 1;
        let shifted = place.wrapping_mul(factor).wrapping_add(below(self.draw("names", 1), pairs)) % pairs;
        let given = pick(&GIVEN_NAMES, u64::from(shifted)).copied().unwrap_or_default();
        let by_surname = u64::from(shifted) / u64::try_from(GIVEN_NAMES.len()).unwrap_or(1);
        (given, pick(&SURNAMES, by_surname).copied().unwrap_or_default(), round)
    }

    /// The objectId of a user or group by its number.
    fn id(self, sort: &str, number: u32) -> String {
        let name = format!("generated:{}:{sort}:{number}", self.seed);
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    /// A number for one question about one object: the same for the same seed, whatever else was asked.
    fn draw(self, question: &str, number: u32) -> u64 {
        let name = format!("{}:{question}:{number}", self.seed);
        blake3::hash(name.as_bytes())
            .as_bytes()
            .iter()
            .take(8)
            .fold(0, |bits, byte| (bits << 8) | u64::from(*byte))
    }
}

/// A number below `end`; 0 when that is 0.
fn below(draw: u64, end: u32) -> u32 {
    draw.checked_rem(u64::from(end)).and_then(|rest| u32::try_from(rest).ok()).unwrap_or_default()
}

fn pick<T>(values: &[T], draw: u64) -> Option<&T> {
    let place = draw.checked_rem(u64::try_from(values.len()).ok()?)?;
    values.get(usize::try_from(place).ok()?)
}

/// Why a directory could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {cause}", path.display())]
pub struct GenerateError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said; `AlreadyExists` when the file was there before: nothing is overwritten.
    #[source]
    pub cause: io::Error,
}

/// Writes `users.csv`, `groups.csv`, `members.csv` and `assignments.csv` of a population into a folder, which is made
/// when it does not exist. Rows are streamed; a million users take no more memory than one.
///
/// # Errors
/// One of the files exists already, or cannot be written. Files written before it stay.
pub fn generate(folder: &Path, population: Population) -> Result<(), GenerateError> {
    std::fs::create_dir_all(folder).map_err(|cause| GenerateError { path: folder.to_owned(), cause })?;
    write(folder.join("users.csv"), USER_COLUMNS, population.user_rows())?;
    write(folder.join("groups.csv"), GROUP_COLUMNS, population.group_rows())?;
    write(folder.join("members.csv"), MEMBER_COLUMNS, population.member_rows())?;
    write(folder.join("assignments.csv"), ASSIGNMENT_COLUMNS, population.assignment_rows())
}

fn write<const N: usize>(
    path: PathBuf,
    columns: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<(), GenerateError> {
    let attempt = || -> io::Result<()> {
        let file = File::create_new(&path)?;
        let mut writer = csv::Writer::from_writer(BufWriter::new(file));
        writer.write_record(columns)?;
        for row in rows {
            writer.write_record(&row)?;
        }
        writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?.flush()
    };
    attempt().map_err(|cause| GenerateError { path, cause })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_ids_are_unique_past_one_round_of_names() {
        let population = Population::new(3_000, 7);
        let names: BTreeSet<String> = population.user_rows().map(|[_, name, ..]| name).collect();
        let ids: BTreeSet<String> = population
            .user_rows()
            .map(|[id, ..]| id)
            .chain(population.group_rows().map(|[id, ..]| id))
            .collect();
        assert_eq!((names.len(), ids.len()), (3_000, 3_150));
        assert!(names.iter().all(|name| name.is_ascii()));
    }

    #[test]
    fn managers_form_a_tree() {
        let mut above = BTreeSet::new();
        for (number, row) in Population::new(500, 1).user_rows().enumerate() {
            let [id, .., manager] = row;
            // Each manager stands before its reports, so there is no circle and one root.
            assert_eq!(number == 0, manager.is_empty());
            assert!(number == 0 || above.contains(&manager));
            above.insert(id);
        }
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let rows = |seed| Population::new(200, seed).user_rows().collect::<Vec<_>>();
        assert_eq!(rows(1), rows(1));
        assert_ne!(rows(1), rows(2));
        let grown: Vec<_> = Population::new(300, 1).user_rows().take(200).collect();
        assert_eq!(rows(1), grown, "more users leave the first ones as they are");
    }

    #[test]
    fn every_kind_of_user_and_most_scopes_occur() {
        let population = Population::new(2_000, 3);
        let users: Vec<_> = population.user_rows().collect();
        let count = |wanted: &str| users.iter().filter(|row| row.iter().any(|cell| cell == wanted)).count();
        assert!((10..=200).contains(&count("Guest")), "{}", count("Guest"));
        assert!((10..=200).contains(&count("False")), "{}", count("False"));
        let principals: BTreeSet<String> =
            population.assignment_rows().map(|[principal, _]| principal).collect();
        let in_scope: BTreeSet<String> = population
            .member_rows()
            .filter(|[group, _]| principals.contains(group))
            .map(|[_, member]| member)
            .collect();
        let reached =
            users.iter().filter(|[id, ..]| in_scope.contains(id) || principals.contains(id)).count();
        assert!((1_000..2_000).contains(&reached), "{reached}");
    }

    #[test]
    fn no_users_are_no_rows() {
        let population = Population::new(0, 1);
        assert_eq!(population.user_rows().count() + population.group_rows().count(), 0);
        assert_eq!(population.member_rows().count() + population.assignment_rows().count(), 0);
    }
}
