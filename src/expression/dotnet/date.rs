//! Dates: reading text as .NET's general parsing does, and the Visual Basic date functions (`mapping.md 6.8`, 7.12 to 7.14).

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::Offset;
use jiff::{SignedDuration, Span};

use crate::expression::switches::DateDifference;

/// English names, January first.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// English names, Sunday first.
pub(super) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// Letters of an abbreviated month or weekday.
pub(super) const ABBREVIATION_LETTERS: usize = 3;
/// Where file time starts (`mapping.md 7.14`).
const FILE_TIME_START: DateTime = jiff::civil::date(1601, 1, 1).at(0, 0, 0, 0);
/// File time, and every fraction of a second here, counts in steps of 100 ns.
pub(super) const TICK_NANOSECONDS: i32 = 100;
/// The largest offset from UTC, in seconds: 14 hours.
const OFFSET_SECONDS_MAX: i32 = 14 * 3600;

/// What date text is read against.
#[derive(Debug, Clone, Copy)]
pub(in crate::expression) struct Surroundings {
    /// The zone of text without an offset.
    pub(in crate::expression) naive: Offset,
    /// The present day, for text without a date.
    pub(in crate::expression) today: Date,
}

/// Reads date text in one of the forms of `mapping.md 6.8`, month before day, and a few more that .NET takes; the
/// result is UTC. `None` when it is no date, or none between the years 1 and 9999.
pub(in crate::expression) fn parse(text: &str, surroundings: Surroundings) -> Option<DateTime> {
    let mut scanner = Scanner { rest: text.trim() };
    let (date, time) = if let Some(date) = scanner.date() {
        let marked = scanner.take_any(&['T', 't']);
        let separated = marked | scanner.blanks();
        let timed = marked || (separated && scanner.peek().is_some_and(|next| next.is_ascii_digit()));
        (date, if timed { Some(scanner.time()?) } else { None })
    } else {
        scanner = Scanner { rest: text.trim() };
        (surroundings.today, Some(scanner.time()?))
    };
    scanner.blanks();
    let offset = scanner.zone(time.is_some());
    if !scanner.rest.is_empty() {
        return None;
    }
    to_utc(date.to_datetime(time.unwrap_or(Time::midnight())), offset.unwrap_or(surroundings.naive))
}

/// The civil time of UTC when a clock at `offset` shows `wall`; `None` outside the years 1 to 9999.
pub(super) fn to_utc(wall: DateTime, offset: Offset) -> Option<DateTime> {
    in_range(wall.checked_sub(SignedDuration::from_secs(i64::from(offset.seconds()))).ok()?)
}

/// What a clock at `offset` shows at `utc`; `None` outside the years 1 to 9999.
pub(super) fn from_utc(utc: DateTime, offset: Offset) -> Option<DateTime> {
    in_range(utc.checked_add(SignedDuration::from_secs(i64::from(offset.seconds()))).ok()?)
}

fn in_range(moment: DateTime) -> Option<DateTime> {
    (1 <= moment.year()).then_some(moment)
}

/// An offset of that many seconds, at most 14 hours either way.
pub(super) fn offset(seconds: i32) -> Option<Offset> {
    if OFFSET_SECONDS_MAX < seconds.abs() { None } else { Offset::from_seconds(seconds).ok() }
}

/// The four-digit year that two digits mean: 00 to 29 is 20xx, the rest 19xx.
pub(super) fn full_year(two_digits: i16) -> i16 {
    two_digits.saturating_add(if two_digits < 30 { 2000 } else { 1900 })
}

/// The number, from 1, of the month called `name` in full or abbreviated, in any letter case.
fn month_number(name: &str) -> Option<i8> {
    (1..).zip(MONTHS).find(|(_, month)| is_name(name, month)).map(|(number, _)| number)
}

fn is_name(name: &str, full: &str) -> bool {
    name.eq_ignore_ascii_case(full)
        || full.get(..ABBREVIATION_LETTERS).is_some_and(|short| name.eq_ignore_ascii_case(short))
}

/// The name of a weekday.
pub(super) fn weekday_name(weekday: Weekday) -> &'static str {
    let index = usize::try_from(weekday.to_sunday_zero_offset()).unwrap_or(0);
    WEEKDAYS.get(index).copied().unwrap_or_default()
}

struct Scanner<'t> {
    rest: &'t str,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take_any(&mut self, wanted: &[char]) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes white space; whether there was any.
    fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start();
        self.rest.len() < before
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|character| !belongs(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        taken
    }

    fn digits(&mut self) -> &'t str {
        self.take_while(|character| character.is_ascii_digit())
    }

    fn letters(&mut self) -> &'t str {
        self.take_while(char::is_alphabetic)
    }

    /// A number of one or two digits.
    fn pair(&mut self) -> Option<i8> {
        let digits = self.digits();
        if 2 < digits.len() { None } else { digits.parse().ok() }
    }

    /// A date, with or without its weekday.
    fn date(&mut self) -> Option<Date> {
        let mut weekday = None;
        if self.peek()?.is_alphabetic() {
            let rest = self.rest;
            let word = self.letters();
            weekday = WEEKDAYS.into_iter().find(|name| is_name(word, name));
            if weekday.is_none() {
                self.rest = rest;
            }
            self.take_any(&[',']);
            self.blanks();
        }
        let date = self.calendar_day()?;
        let right = weekday.is_none_or(|name| name == weekday_name(date.weekday()));
        right.then_some(date)
    }

    fn calendar_day(&mut self) -> Option<Date> {
        if self.peek()?.is_alphabetic() {
            // January 5, 2024
            let month = month_number(self.letters())?;
            self.gap();
            let day = self.pair()?;
            self.gap();
            let year = self.digits();
            return civil(year, month, day);
        }
        let first = self.digits();
        if self.peek()?.is_whitespace()
            || (self.peek() == Some('-') && self.rest.chars().nth(1)?.is_alphabetic())
        {
            // 5 January 2024, 05-Jan-2024
            self.gap();
            let month = month_number(self.letters())?;
            self.gap();
            let year = self.digits();
            return civil(year, month, first.parse().ok()?);
        }
        let separator = self.peek().filter(|separator| ['-', '/', '.'].contains(separator))?;
        self.take_any(&[separator]);
        let second = self.pair()?;
        let third = if self.take_any(&[separator]) { self.digits() } else { "1" };
        if 2 < first.len() {
            civil(first, second, third.parse().ok().filter(|_| third.len() <= 2)?)
        } else {
            civil(third, first.parse().ok()?, second)
        }
    }

    /// What may stand between the parts of a date with a month's name.
    fn gap(&mut self) {
        self.take_while(|character| character.is_whitespace() || character == ',' || character == '-');
    }

    /// A time of day: `H:mm[:ss[.f]]`, with or without `AM` or `PM`, without which the minutes must be given.
    fn time(&mut self) -> Option<Time> {
        let mut hour = self.pair()?;
        let (mut minute, mut second, mut ticks) = (0, 0, 0);
        let minutes_given = self.take_any(&[':']);
        if minutes_given {
            minute = self.pair()?;
            if self.take_any(&[':']) {
                second = self.pair()?;
                if self.take_any(&['.']) {
                    ticks = fraction_ticks(self.digits())?;
                }
            }
        }
        let before_half = self.rest;
        self.blanks();
        let half = self.letters();
        if half.eq_ignore_ascii_case("AM") {
            hour = half_day_hour(hour, false)?;
        } else if half.eq_ignore_ascii_case("PM") {
            hour = half_day_hour(hour, true)?;
        } else {
            self.rest = before_half;
            if !minutes_given {
                return None;
            }
        }
        Time::new(hour, minute, second, ticks.checked_mul(TICK_NANOSECONDS)?).ok()
    }

    /// An offset from UTC, if there is one: `Z`, `GMT`, or a sign and hours. After a bare date the minutes must be
    /// given, lest the offset be taken for part of the date.
    fn zone(&mut self, after_time: bool) -> Option<Offset> {
        let before = self.rest;
        let word = self.letters();
        if ["Z", "GMT", "UTC"].iter().any(|zone| word.eq_ignore_ascii_case(zone)) {
            return Some(Offset::UTC);
        }
        self.rest = before;
        let sign = match self.peek()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.take_any(&['+', '-']);
        let digits = self.digits();
        let (hours, minutes) = match digits.len() {
            1 | 2 if self.take_any(&[':']) => (digits, self.digits()),
            1 | 2 if after_time => (digits, "00"),
            4 if after_time => digits.split_at_checked(2)?,
            _ => ("", ""),
        };
        let found = offset_seconds(sign, hours, minutes).and_then(offset);
        if found.is_none() {
            // Left unread, it makes the whole text unreadable.
            self.rest = before;
        }
        found
    }
}

fn offset_seconds(sign: i32, hours: &str, minutes: &str) -> Option<i32> {
    let hours: i32 = hours.parse().ok()?;
    let minutes: i32 = minutes.parse().ok().filter(|_| minutes.len() == 2)?;
    if 60 <= minutes {
        return None;
    }
    hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_mul(sign)
}

fn civil(year: &str, month: i8, day: i8) -> Option<Date> {
    let number: i16 = year.parse().ok().filter(|_| year.len() <= 4)?;
    let year = if year.len() <= 2 { full_year(number) } else { number };
    Date::new(year, month, day).ok().filter(|_| 1 <= year)
}

/// The hour of the day that `hour` of a half day means.
fn half_day_hour(hour: i8, afternoon: bool) -> Option<i8> {
    match (afternoon, hour) {
        (false, 12) => Some(0),
        (false, 0..=11) | (true, 12..=23) => Some(hour),
        (true, 0..=11) => hour.checked_add(12),
        _ => None,
    }
}

/// Steps of 100 ns in the fraction of a second whose digits are given, rounded from the eighth digit on.
fn fraction_ticks(digits: &str) -> Option<i32> {
    let mut ticks: i32 = 0;
    let mut places = digits.bytes().map(|digit| i32::from(digit.saturating_sub(b'0')));
    if digits.is_empty() {
        return None;
    }
    for _ in 0..7 {
        ticks = ticks.checked_mul(10)?.checked_add(places.next().unwrap_or(0))?;
    }
    let rounded = if 5 <= places.next().unwrap_or(0) { ticks.checked_add(1)? } else { ticks };
    // A fraction that rounds up to a whole second stays just below it.
    Some(rounded.min(9_999_999))
}

/// The intervals of `DateAdd` and `DateDiff` (`mapping.md 7.12`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expression) enum Interval {
    Year,
    Month,
    Week,
    /// Days, hours, minutes and seconds: spans of this many seconds.
    Seconds(i64),
}

impl Interval {
    /// The interval that `text` names; letter case matters.
    pub(in crate::expression) fn from_name(text: &str) -> Option<Self> {
        Some(match text {
            "yyyy" => Self::Year,
            "m" => Self::Month,
            "ww" => Self::Week,
            "d" => Self::Seconds(86_400),
            "h" => Self::Seconds(3_600),
            "n" => Self::Seconds(60),
            "s" => Self::Seconds(1),
            _ => return None,
        })
    }
}

/// `moment` and `count` intervals more. Months and years keep the day, clamped to the month's last. `None` outside
/// the years 1 to 9999.
pub(in crate::expression) fn add(moment: DateTime, interval: Interval, count: i64) -> Option<DateTime> {
    let moved = match interval {
        Interval::Year => moment.checked_add(Span::new().try_years(count).ok()?).ok()?,
        Interval::Month => moment.checked_add(Span::new().try_months(count).ok()?).ok()?,
        Interval::Week => later(moment, SignedDuration::from_secs(count.checked_mul(7 * 86_400)?))?,
        Interval::Seconds(seconds) => later(moment, SignedDuration::from_secs(count.checked_mul(seconds)?))?,
    };
    in_range(moved)
}

/// `moment` and `span` more, in two steps: one step may not span more than some 8000 years.
fn later(moment: DateTime, span: SignedDuration) -> Option<DateTime> {
    let half = span.checked_div(2)?;
    moment.checked_add(half).ok()?.checked_add(span.checked_sub(half)?).ok()
}

/// Intervals from `first` to `second`, negative when `second` is earlier (`mapping.md 7.13`).
pub(in crate::expression) fn difference(
    interval: Interval,
    first: DateTime,
    second: DateTime,
    counting: DateDifference,
) -> i64 {
    let years = i64::from(second.year()) - i64::from(first.year());
    match interval {
        Interval::Year => years,
        Interval::Month => years * 12 + i64::from(second.month()) - i64::from(first.month()),
        // Both moved back to their Sunday, so this is a whole number of weeks and a part of a day.
        Interval::Week => to_sunday(second).duration_since(to_sunday(first)).as_secs() / 86_400 / 7,
        Interval::Seconds(seconds) => match counting {
            DateDifference::Elapsed => second.duration_since(first).as_secs() / seconds,
            DateDifference::Boundaries => {
                let since_start = |moment: DateTime| {
                    let start = jiff::civil::date(1, 1, 1).at(0, 0, 0, 0);
                    moment.duration_since(start).as_secs().div_euclid(seconds)
                };
                since_start(second) - since_start(first)
            }
        },
    }
}

/// The same time of day on the Sunday before, or on that day when it is one.
fn to_sunday(moment: DateTime) -> DateTime {
    let days = i64::from(moment.weekday().to_sunday_zero_offset());
    moment.saturating_sub(SignedDuration::from_secs(days * 86_400))
}

/// File time of `moment`: steps of 100 ns since 1601. `None` before that.
pub(in crate::expression) fn file_time(moment: DateTime) -> Option<i64> {
    let ticks = moment.duration_since(FILE_TIME_START).as_nanos() / i128::from(TICK_NANOSECONDS);
    i64::try_from(ticks).ok().filter(|ticks| 0 <= *ticks)
}

/// The moment of a file time. `None` when negative or after the year 9999.
pub(in crate::expression) fn from_file_time(ticks: i64) -> Option<DateTime> {
    let seconds = ticks.div_euclid(10_000_000);
    let nanoseconds = i32::try_from(ticks.rem_euclid(10_000_000)).ok()?.checked_mul(TICK_NANOSECONDS)?;
    if ticks < 0 {
        return None;
    }
    later(FILE_TIME_START, SignedDuration::new(seconds, nanoseconds))
}
