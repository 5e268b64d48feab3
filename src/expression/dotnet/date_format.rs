//! .NET's custom and standard date formats with English names (`mapping.md 6.8 and 7.15`).

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::date::{
    ABBREVIATION_LETTERS, MONTHS, TICK_NANOSECONDS, WEEKDAYS, from_utc, full_year, offset, to_utc,
    weekday_name,
};

/// One item of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// A specifier letter and how often it stands.
    Specifier(char, usize),
    /// A character that stands for itself.
    Literal(char),
    /// A quoted text.
    Quoted(String),
}

/// A format that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::expression) struct Format {
    items: Vec<Item>,
}

/// A date and time with what is known of its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expression) struct Stamp {
    /// What the clock shows.
    pub(in crate::expression) wall: DateTime,
    /// Where the clock hangs.
    pub(in crate::expression) kind: Kind,
}

/// What is known of a time's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expression) enum Kind {
    Unspecified,
    Utc,
    /// The service's own zone.
    Local,
}

/// .NET's `DateTimeStyles`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::expression) enum Style {
    AllowLeadingWhite,
    AllowTrailingWhite,
    AllowInnerWhite,
    NoCurrentDateDefault,
    AdjustToUniversal,
    AssumeLocal,
    AssumeUniversal,
    RoundtripKind,
}

/// Whether `text` is a comma-separated list of style names.
pub(in crate::expression) fn names_styles(text: &str) -> bool {
    text.split(',').all(|name| style_of(name.trim()).is_some())
}

/// The styles that `text` names; the default ones for empty text. The message says which name is unknown or which
/// two do not go together.
pub(in crate::expression) fn styles(text: &str) -> Result<BTreeSet<Style>, String> {
    if text.trim().is_empty() {
        return Ok([Style::RoundtripKind, Style::AllowLeadingWhite, Style::AllowTrailingWhite].into());
    }
    let mut styles = BTreeSet::new();
    for name in text.split(',').map(str::trim) {
        styles.extend(style_of(name).ok_or_else(|| format!("`{name}` is not a name of DateTimeStyles"))?);
    }
    let both = |one, other| styles.contains(&one) && styles.contains(&other);
    let adjusts = [Style::AdjustToUniversal, Style::AssumeLocal, Style::AssumeUniversal];
    if both(Style::AssumeLocal, Style::AssumeUniversal)
        || adjusts.into_iter().any(|style| both(Style::RoundtripKind, style))
    {
        return Err(format!("the DateTimeStyles `{text}` do not go together"));
    }
    Ok(styles)
}

fn style_of(name: &str) -> Option<&'static [Style]> {
    Some(match name.strip_prefix("DateTimeStyles.").unwrap_or(name) {
        "None" => &[],
        "AllowLeadingWhite" => &[Style::AllowLeadingWhite],
        "AllowTrailingWhite" => &[Style::AllowTrailingWhite],
        "AllowInnerWhite" => &[Style::AllowInnerWhite],
        "AllowWhiteSpaces" => &[Style::AllowLeadingWhite, Style::AllowTrailingWhite, Style::AllowInnerWhite],
        "NoCurrentDateDefault" => &[Style::NoCurrentDateDefault],
        "AdjustToUniversal" => &[Style::AdjustToUniversal],
        "AssumeLocal" => &[Style::AssumeLocal],
        "AssumeUniversal" => &[Style::AssumeUniversal],
        "RoundtripKind" => &[Style::RoundtripKind],
        _ => return None,
    })
}

impl Format {
    /// Reads a format; one character is a standard format. The message says what is wrong with it.
    pub(in crate::expression) fn new(text: &str) -> Result<Self, String> {
        let mut characters = text.chars();
        let text = match (characters.next(), characters.next()) {
            (None, _) => return Err("the date format is empty".to_owned()),
            (Some(letter), None) => {
                standard(letter).ok_or_else(|| format!("`{letter}` is not a standard date format"))?
            }
            (Some(_), Some(_)) => text,
        };
        let mut items = Vec::new();
        let mut characters = text.chars().peekable();
        let mut after_percent = false;
        while let Some(character) = characters.next() {
            if after_percent && character == '%' {
                return Err(format!("`%%` in the date format `{text}`"));
            }
            after_percent = character == '%';
            match character {
                '%' => {}
                '\\' => match characters.next() {
                    Some(escaped) => items.push(Item::Literal(escaped)),
                    None => return Err(format!("a backslash ends the date format `{text}`")),
                },
                '"' | '\'' => {
                    let mut quoted = String::new();
                    loop {
                        match characters.next() {
                            Some(end) if end == character => break,
                            Some('\\') => quoted.extend(characters.next()),
                            Some(inner) => quoted.push(inner),
                            None => {
                                return Err(format!("a quotation in the date format `{text}` is not closed"));
                            }
                        }
                    }
                    items.push(Item::Quoted(quoted));
                }
                'd' | 'M' | 'y' | 'h' | 'H' | 'm' | 's' | 'f' | 'F' | 't' | 'z' | 'K' | 'Z' | 'g' => {
                    let mut count: usize = 1;
                    while !matches!(character, 'K' | 'Z') && characters.next_if_eq(&character).is_some() {
                        count = count.saturating_add(1);
                    }
                    if matches!(character, 'f' | 'F') && 7 < count {
                        return Err(format!("more than 7 fraction digits in the date format `{text}`"));
                    }
                    items.push(Item::Specifier(character, count));
                }
                _ => items.push(Item::Literal(character)),
            }
        }
        if after_percent {
            return Err(format!("`%` ends the date format `{text}`"));
        }
        Ok(Self { items })
    }

    /// Writes `stamp`; `local` is the service's zone.
    pub(in crate::expression) fn write(&self, stamp: Stamp, local: Offset) -> String {
        let mut text = String::new();
        for item in &self.items {
            match item {
                Item::Literal(character) => text.push(*character),
                Item::Quoted(quoted) => text.push_str(quoted),
                Item::Specifier(letter, count) => write_specifier(*letter, *count, stamp, local, &mut text),
            }
        }
        text
    }

    /// Reads `text`, which must match exactly but for the white space that `styles` allow. `now` fills in a missing
    /// date. `None` when it does not match.
    pub(in crate::expression) fn read(
        &self,
        text: &str,
        styles: &BTreeSet<Style>,
        local: Offset,
        now: DateTime,
    ) -> Option<Stamp> {
        let mut text = text;
        let mut items = self.items.as_slice();
        if styles.contains(&Style::AllowLeadingWhite) {
            text = text.trim_start();
            while let [Item::Literal(blank), rest @ ..] = items
                && blank.is_whitespace()
            {
                items = rest;
            }
        }
        if styles.contains(&Style::AllowTrailingWhite) {
            text = text.trim_end();
            while let [rest @ .., Item::Literal(blank)] = items
                && blank.is_whitespace()
            {
                items = rest;
            }
        }
        let inner_white = styles.contains(&Style::AllowInnerWhite);
        let mut reader = Reader { rest: text, found: Found::default() };
        let mut items = items.iter().peekable();
        while let Some(item) = items.next() {
            if inner_white {
                reader.rest = reader.rest.trim_start();
            }
            match item {
                Item::Literal(blank) if inner_white && blank.is_whitespace() => {}
                Item::Literal('.') if !reader.rest.starts_with('.') => {
                    // Before optional fraction digits the dot is optional with them.
                    items.next_if(|next| matches!(next, Item::Specifier('F', _)))?;
                }
                Item::Literal(character) => reader.literal(character.encode_utf8(&mut [0; 4]))?,
                Item::Quoted(quoted) => reader.literal(quoted)?,
                Item::Specifier(letter, count) => reader.specifier(*letter, *count)?,
            }
        }
        if !reader.rest.is_empty() {
            return None;
        }
        reader.found.stamp(styles, local, now)
    }
}

/// The custom format that a standard one stands for, invariant culture.
fn standard(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "MM/dd/yyyy",
        'D' => "dddd, dd MMMM yyyy",
        'f' => "dddd, dd MMMM yyyy HH:mm",
        'F' => "dddd, dd MMMM yyyy HH:mm:ss",
        'g' => "MM/dd/yyyy HH:mm",
        'G' => "MM/dd/yyyy HH:mm:ss",
        'm' | 'M' => "MMMM dd",
        'o' | 'O' => "yyyy-MM-ddTHH:mm:ss.fffffffK",
        'r' | 'R' => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
        's' => "yyyy-MM-ddTHH:mm:ss",
        't' => "HH:mm",
        'T' => "HH:mm:ss",
        'u' => "yyyy-MM-dd HH:mm:ssZ",
        'y' | 'Y' => "yyyy MMMM",
        _ => return None,
    })
}

fn short(name: &'static str) -> &'static str {
    name.get(..ABBREVIATION_LETTERS).unwrap_or(name)
}

fn write_specifier(letter: char, count: usize, stamp: Stamp, local: Offset, text: &mut String) {
    let wall = stamp.wall;
    let padded = |number: i32, width: usize| format!("{number:0width$}");
    let small = |number: i8| padded(i32::from(number), count.min(2));
    let ticks = wall.subsec_nanosecond() / TICK_NANOSECONDS;
    let seconds = match stamp.kind {
        Kind::Utc => 0,
        Kind::Local | Kind::Unspecified => local.seconds(),
    };
    let written = match (letter, count) {
        ('d', 1 | 2) => small(wall.day()),
        ('d', 3) => short(weekday_name(wall.weekday())).to_owned(),
        ('d', _) => weekday_name(wall.weekday()).to_owned(),
        ('M', 1 | 2) => small(wall.month()),
        ('M', _) => {
            let name = usize::try_from(wall.month()).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
            let name = name.copied().unwrap_or_default();
            if count == 3 { short(name).to_owned() } else { name.to_owned() }
        }
        ('y', 1 | 2) => padded(i32::from(wall.year()).rem_euclid(100), count),
        ('y', _) => padded(i32::from(wall.year()), count),
        ('h', _) => small(match wall.hour().rem_euclid(12) {
            0 => 12,
            hour => hour,
        }),
        ('H', _) => small(wall.hour()),
        ('m', _) => small(wall.minute()),
        ('s', _) => small(wall.second()),
        ('f', _) => fraction(ticks, count),
        ('F', _) => {
            let digits = fraction(ticks, count);
            let digits = digits.trim_end_matches('0');
            if digits.is_empty() && text.ends_with('.') {
                text.pop();
            }
            digits.to_owned()
        }
        ('t', 1) => if wall.hour() < 12 { "A" } else { "P" }.to_owned(),
        ('t', _) => if wall.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        ('z', _) => offset_text(seconds, count),
        ('K', _) => match stamp.kind {
            Kind::Utc => "Z".to_owned(),
            Kind::Local => offset_text(seconds, 3),
            Kind::Unspecified => String::new(),
        },
        ('g', _) => "A.D.".to_owned(),
        _ => letter.to_string(),
    };
    text.push_str(&written);
}

/// The first `count` of seven fraction digits.
fn fraction(ticks: i32, count: usize) -> String {
    let digits = format!("{ticks:07}");
    digits.get(..count).unwrap_or(&digits).to_owned()
}

/// `+0`, `+00` or `+00:00` for 1, 2 or more letters.
fn offset_text(seconds: i32, count: usize) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match count {
        1 => format!("{sign}{hours}"),
        2 => format!("{sign}{hours:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}"),
    }
}

/// What a text said so far.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    year: Option<i32>,
    month: Option<i32>,
    day: Option<i32>,
    weekday: Option<i32>,
    hour: Option<i32>,
    minute: Option<i32>,
    second: Option<i32>,
    ticks: Option<i32>,
    /// 0 before noon, 1 after.
    half: Option<i32>,
    twelve_hours: bool,
    zone: Option<Zone>,
}

#[derive(Debug, Clone, Copy)]
enum Zone {
    /// `Z`.
    Utc,
    Offset(Offset),
}

struct Reader<'t> {
    rest: &'t str,
    found: Found,
}

/// Notes `value`; a part that stands twice must say the same twice.
fn note(slot: &mut Option<i32>, value: i32) -> Option<()> {
    (*slot.get_or_insert(value) == value).then_some(())
}

impl Reader<'_> {
    fn literal(&mut self, wanted: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    /// Takes from `least` to `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<(i32, usize)> {
        let digits = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        Some((number.parse().ok().filter(|_| least <= digits)?, digits))
    }

    /// A number of one or two digits for a single letter, else of exactly two.
    fn pair(&mut self, count: usize) -> Option<i32> {
        self.number(count.min(2), 2).map(|(number, _)| number)
    }

    /// The position, from 0, of the longest name that comes next.
    fn name(&mut self, names: &[&'static str], abbreviated: bool) -> Option<i32> {
        for (position, name) in (0..).zip(names) {
            let name = if abbreviated { short(name) } else { name };
            if self.word(name).is_some() {
                return Some(position);
            }
        }
        None
    }

    /// `wanted` in any letter case.
    fn word(&mut self, wanted: &str) -> Option<()> {
        let (word, rest) = self.rest.split_at_checked(wanted.len())?;
        if !word.eq_ignore_ascii_case(wanted) {
            return None;
        }
        self.rest = rest;
        Some(())
    }

    fn specifier(&mut self, letter: char, count: usize) -> Option<()> {
        match (letter, count) {
            ('d', 1 | 2) => {
                let day = self.pair(count)?;
                note(&mut self.found.day, day)
            }
            ('d', _) => {
                let weekday = self.name(&WEEKDAYS, count == 3)?;
                note(&mut self.found.weekday, weekday)
            }
            ('M', 1 | 2) => {
                let month = self.pair(count)?;
                note(&mut self.found.month, month)
            }
            ('M', _) => {
                let month = self.name(&MONTHS, count == 3)?.checked_add(1)?;
                note(&mut self.found.month, month)
            }
            ('y', 1 | 2) => {
                let year = i16::try_from(self.pair(count)?).ok()?;
                note(&mut self.found.year, i32::from(full_year(year)))
            }
            ('y', _) => {
                let (year, _) = self.number(count, count)?;
                note(&mut self.found.year, year)
            }
            ('h' | 'H', _) => {
                self.found.twelve_hours |= letter == 'h';
                let hour = self.pair(count)?;
                note(&mut self.found.hour, hour)
            }
            ('m', _) => {
                let minute = self.pair(count)?;
                note(&mut self.found.minute, minute)
            }
            ('s', _) => {
                let second = self.pair(count)?;
                note(&mut self.found.second, second)
            }
            ('f' | 'F', _) => {
                let least = if letter == 'f' { count } else { 0 };
                if letter == 'F' && !self.rest.starts_with(|next: char| next.is_ascii_digit()) {
                    return note(&mut self.found.ticks, 0);
                }
                let (number, digits) = self.number(least, count)?;
                let missing = u32::try_from(7_usize.checked_sub(digits)?).ok()?;
                note(&mut self.found.ticks, number.checked_mul(10_i32.checked_pow(missing)?)?)
            }
            ('t', _) => {
                let afternoon = [["A", "P"], ["AM", "PM"]]
                    .get(usize::from(1 < count))?
                    .iter()
                    .position(|mark| self.word(mark).is_some())?;
                note(&mut self.found.half, i32::try_from(afternoon).ok()?)
            }
            ('Z', _) => {
                self.word("Z").or_else(|| self.word("GMT"))?;
                self.zone(Zone::Utc)
            }
            ('K', _) => match self.rest.chars().next() {
                Some('Z') => {
                    self.word("Z")?;
                    self.zone(Zone::Utc)
                }
                Some('+' | '-') => self.offset(3),
                Some(_) | None => Some(()),
            },
            ('z', _) => self.offset(count),
            ('g', _) => self.word("A.D.").or_else(|| self.word("AD")),
            _ => None,
        }
    }

    fn zone(&mut self, zone: Zone) -> Option<()> {
        if self.found.zone.is_some() {
            return None;
        }
        self.found.zone = Some(zone);
        Some(())
    }

    /// A signed offset: hours for one or two letters, hours and minutes for more.
    fn offset(&mut self, count: usize) -> Option<()> {
        let sign = match self.rest.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.rest = self.rest.get(1..)?;
        let (hours, minutes) = if count < 3 {
            (self.pair(count)?, 0)
        } else {
            let hours = self.pair(1)?;
            self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
            (hours, self.pair(2).filter(|minutes| *minutes < 60)?)
        };
        let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_mul(sign)?;
        self.zone(Zone::Offset(offset(seconds)?))
    }
}

impl Found {
    fn stamp(&self, styles: &BTreeSet<Style>, local: Offset, now: DateTime) -> Option<Stamp> {
        let date = self.date(styles, now)?;
        if self.weekday.is_some_and(|weekday| weekday != i32::from(date.weekday().to_sunday_zero_offset())) {
            return None;
        }
        let wall = date.to_datetime(self.time()?);
        let has = |style| styles.contains(&style);
        let utc = match self.zone {
            Some(Zone::Utc) if has(Style::RoundtripKind) => {
                return Some(Stamp { wall, kind: Kind::Utc });
            }
            Some(Zone::Utc) => wall,
            Some(Zone::Offset(offset)) => to_utc(wall, offset)?,
            None if has(Style::AssumeUniversal) => wall,
            None if has(Style::AssumeLocal) => to_utc(wall, local)?,
            None => {
                return Some(Stamp { wall, kind: Kind::Unspecified });
            }
        };
        Some(if has(Style::AdjustToUniversal) {
            Stamp { wall: utc, kind: Kind::Utc }
        } else {
            Stamp { wall: from_utc(utc, local)?, kind: Kind::Local }
        })
    }

    /// Parts that are missing: the first month and day of a year that is given, else the present ones.
    fn date(&self, styles: &BTreeSet<Style>, now: DateTime) -> Option<Date> {
        let nothing = self.year.is_none() && self.month.is_none() && self.day.is_none();
        if nothing {
            let default = if styles.contains(&Style::NoCurrentDateDefault) {
                Date::new(1, 1, 1).ok()?
            } else {
                now.date()
            };
            return Some(default);
        }
        let year = self.year.unwrap_or(i32::from(now.year()));
        let date = Date::new(
            i16::try_from(year).ok()?,
            i8::try_from(self.month.unwrap_or(1)).ok()?,
            i8::try_from(self.day.unwrap_or(1)).ok()?,
        );
        date.ok().filter(|date| 1 <= date.year())
    }

    fn time(&self) -> Option<Time> {
        let hour = self.hour.unwrap_or(0);
        let hour = if self.twelve_hours {
            let afternoon = self.half == Some(1);
            match hour {
                12 if afternoon => 12,
                12 => 0,
                0..=11 if afternoon => hour.checked_add(12)?,
                0..=11 => hour,
                _ => return None,
            }
        } else {
            // A 24-hour time may repeat its half of the day, but not contradict it.
            let half = i32::from(12 <= hour);
            if self.half.is_some_and(|given| given != half) {
                return None;
            }
            hour
        };
        Time::new(
            i8::try_from(hour).ok()?,
            i8::try_from(self.minute.unwrap_or(0)).ok()?,
            i8::try_from(self.second.unwrap_or(0)).ok()?,
            self.ticks.unwrap_or(0).checked_mul(TICK_NANOSECONDS)?,
        )
        .ok()
    }
}
