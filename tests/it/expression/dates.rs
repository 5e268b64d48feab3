//! Dates: reading, calculating, formatting (`mapping.md 6.8`, 7.6, 7.12 to 7.15 and 7.31).

use scimulator::covers;
use serde_json::{Value as Json, json};

use super::{fails, gives};

#[track_caller]
fn reads(text: &str, wanted: &str) {
    gives("CDate([d])", &json!({ "d": text }), &json!(wanted));
}

#[track_caller]
fn no_date(text: &str) {
    fails("CDate([d])", &json!({ "d": text }), "is not a date");
}

#[track_caller]
fn reformats(text: &str, input: &str, output: &str, wanted: &str) {
    let attributes = json!({ "d": text, "in": input, "out": output });
    gives("FormatDateTime([d], , [in], [out])", &attributes, &json!(wanted));
}

#[track_caller]
fn does_not_match(text: &str, input: &str) {
    let attributes = json!({ "d": text, "in": input });
    fails(r#"FormatDateTime([d], , [in], "o")"#, &attributes, "date format");
}

#[test]
fn dates_are_read_year_first_with_an_optional_time_and_offset() {
    for (text, wanted) in [
        ("2021-08-24", "8/24/2021 12:00:00 AM"),
        ("  2021-08-24  ", "8/24/2021 12:00:00 AM"),
        ("2020-03-16-07:00", "3/16/2020 7:00:00 AM"),
        ("2020-03-16+08:00", "3/15/2020 4:00:00 PM"),
        ("2024-02-29T23:30", "2/29/2024 11:30:00 PM"),
        ("2024-02-29 23:30:05", "2/29/2024 11:30:05 PM"),
        ("2024-02-29T23:30:05.1234567Z", "2/29/2024 11:30:05 PM"),
        ("2024-02-29T23:30:05.5+01:00", "2/29/2024 10:30:05 PM"),
        ("2024-02-29 23:30:05 +01:00", "2/29/2024 10:30:05 PM"),
        ("2024-02-29 23:30:05 Z", "2/29/2024 11:30:05 PM"),
        ("9999-12-31", "12/31/9999 12:00:00 AM"),
        ("0001-01-01", "1/1/0001 12:00:00 AM"),
    ] {
        reads(text, wanted);
    }
    covers!("M-110");
}

#[test]
fn dates_with_slashes_have_the_month_first() {
    for (text, wanted) in [
        ("3/4/2021", "3/4/2021 12:00:00 AM"),
        ("03/04/2021", "3/4/2021 12:00:00 AM"),
        ("8/25/2021 5:41:18 PM", "8/25/2021 5:41:18 PM"),
        ("8/25/2021 5:41 pm", "8/25/2021 5:41:00 PM"),
        ("8/25/2021 17:41", "8/25/2021 5:41:00 PM"),
        ("8/25/2021 17:41:18", "8/25/2021 5:41:18 PM"),
        ("8/25/2021 12:00:00 AM", "8/25/2021 12:00:00 AM"),
        ("8/25/2021 12:00:00 PM", "8/25/2021 12:00:00 PM"),
        ("2013-01-10 4:00 PM -8", "1/11/2013 12:00:00 AM"),
        ("Fri, 05 Jan 2024 09:08:07 GMT", "1/5/2024 9:08:07 AM"),
        ("5 January 2024", "1/5/2024 12:00:00 AM"),
        ("January 5, 2024", "1/5/2024 12:00:00 AM"),
    ] {
        reads(text, wanted);
    }
    covers!("M-111");
}

#[test]
fn an_offset_is_applied_and_none_means_utc() {
    reads("2024-01-01T00:30:00+01:00", "12/31/2023 11:30:00 PM");
    reads("2024-01-01T00:30:00", "1/1/2024 12:30:00 AM");
    gives(r#"NumFromDate("2024-01-01 00:00:00")"#, &json!({}), &json!("133485408000000000"));
    covers!("M-112");
}

#[test]
fn impossible_dates_are_errors() {
    for text in [
        "2023-02-30",
        "2023-13-01",
        "2023-00-10",
        "13/1/2023",
        "2023-02-29",
        "2024-01-01T24:00",
        "2024-01-01T10:60",
        "2024-01-01T10:00:60",
        "2024-01-01T",
        "2024-01-01 10",
        "2024-01-01T10:00+15:00",
        "2024-01-01 13:00 AM",
        "20240105",
        "not a date",
        "Mon, 05 Jan 2024 09:08:07 GMT",
        "0000-01-01",
        "0001-01-01T00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2024-01-01x",
        "",
        " ",
    ] {
        no_date(text);
    }
    fails("CDate([none])", &json!({}), "the value is null");
    covers!("M-131");
    // A fraction of a second does not show, but counts.
    let halves = r#"DateDiff("s", CDate("2024-01-01T00:00:00.6Z"), CDate("2024-01-01T00:00:02.5Z"))"#;
    gives(halves, &json!({}), &json!("1"));
    gives(r#"NumFromDate(CDate("1601-01-01T00:00:00.1234567Z"))"#, &json!({}), &json!("1234567"));
    covers!("M-113");
}

#[test]
fn cdate_passes_a_date_through() {
    gives(r#"CDate(DateAdd("d", 1, Now()))"#, &json!({}), &json!("7/31/2025 12:00:00 AM"));
}

#[test]
fn date_add_clamps_months_and_adds_exact_spans() {
    for (interval, count, from, wanted) in [
        ("m", "1", "2023-01-31", "2/28/2023 12:00:00 AM"),
        ("m", "-13", "2024-03-31", "2/28/2023 12:00:00 AM"),
        ("yyyy", "1", "2024-02-29", "2/28/2025 12:00:00 AM"),
        ("ww", "-1", "2024-03-05", "2/27/2024 12:00:00 AM"),
        ("d", "366", "2024-01-01", "1/1/2025 12:00:00 AM"),
        ("h", "-25", "2024-01-02", "12/31/2023 11:00:00 PM"),
        ("n", " 90 ", "2024-01-01", "1/1/2024 1:30:00 AM"),
        ("s", "+86399", "2024-01-01", "1/1/2024 11:59:59 PM"),
    ] {
        let attributes = json!({ "i": interval, "n": count, "d": from });
        gives("DateAdd([i], [n], CDate([d]))", &attributes, &json!(wanted));
    }
    for (interval, count) in
        [("yyyy", "8000"), ("yyyy", "-2100"), ("m", "999999999999"), ("s", "9223372036854775807")]
    {
        let attributes = json!({ "i": interval, "n": count });
        fails(r#"DateAdd([i], [n], CDate("2024-01-01"))"#, &attributes, "outside the years 1 to 9999");
    }
    for interval in ["D", "w", "y", "q", ""] {
        fails(r#"DateAdd([i], 1, CDate("2024-01-01"))"#, &json!({ "i": interval }), "is not an interval");
    }
    covers!("M-137");
    fails(r#"DateAdd("d", "1.5", Now())"#, &json!({}), "`1.5` is not an integer");
    fails(r#"DateAdd("d", [none], Now())"#, &json!({}), "null");
    covers!("M-102");
}

#[test]
fn date_add_and_date_diff_take_date_text() {
    gives(r#"DateAdd("d", 1, "2024-02-28")"#, &json!({}), &json!("2/29/2024 12:00:00 AM"));
    gives(r#"DateDiff("d", "2024-02-28", "3/1/2024")"#, &json!({}), &json!("2"));
    covers!("M-138");
}

#[test]
fn date_diff_is_positive_when_the_second_date_is_later() {
    for (interval, first, second, wanted) in [
        ("yyyy", "2023-12-31", "2024-01-01", "1"),
        ("yyyy", "2024-12-31", "2024-01-01", "0"),
        ("m", "2024-01-31", "2024-02-01", "1"),
        ("m", "2024-03-01", "2023-12-31", "-3"),
    ] {
        let attributes = json!({ "i": interval, "a": first, "b": second });
        gives("DateDiff([i], CDate([a]), CDate([b]))", &attributes, &json!(wanted));
    }
    covers!("M-139");
    for (interval, first, second, wanted) in [
        ("ww", "2024-01-06", "2024-01-07", "1"),
        ("ww", "2024-01-07", "2024-01-06", "-1"),
        ("ww", "2024-01-07", "2024-01-13", "0"),
        // Saturday evening to Sunday morning: the Sundays are less than seven days apart.
        ("ww", "2024-01-06T20:00:00", "2024-01-07T08:00:00", "0"),
        ("d", "2024-01-01T23:00:00", "2024-01-02T22:59:59", "0"),
        ("d", "2024-01-02T22:59:59", "2024-01-01T23:00:00", "0"),
        ("h", "2024-01-01T00:00:00", "2024-01-01T05:59:59", "5"),
        ("n", "2024-01-01T10:00:30", "2024-01-01T09:59:00", "-1"),
        ("s", "2024-01-01T00:00:00", "2025-01-01T00:00:00", "31622400"),
    ] {
        let attributes = json!({ "i": interval, "a": first, "b": second });
        gives("DateDiff([i], CDate([a]), CDate([b]))", &attributes, &json!(wanted));
    }
    covers!("M-140");
}

#[test]
fn file_times_count_from_1601() {
    gives("DateFromNum(0)", &json!({}), &json!("1/1/1601 12:00:00 AM"));
    gives("DateFromNum(2650467743999999999)", &json!({}), &json!("12/31/9999 11:59:59 PM"));
    for text in ["-1", "never", "2650467744000000000", "9223372036854775807", "", "1.0"] {
        fails("DateFromNum([t])", &json!({ "t": text }), "'DateFromNum.'");
    }
    covers!("M-141");
    gives(r#"NumFromDate("1601-01-01")"#, &json!({}), &json!("0"));
    gives("NumFromDate([none])", &json!({}), &json!(null));
    for text in ["1600-12-31", "", "soon"] {
        fails("NumFromDate([d])", &json!({ "d": text }), "'NumFromDate.'");
    }
    covers!("M-161");
}

#[test]
fn double_letters_take_two_digits_and_single_ones_one_or_two() {
    reformats("5.1.2024 7:8:9", "d.M.yyyy H:m:s", "yyyy-MM-dd HH:mm:ss", "2024-01-05 07:08:09");
    reformats("05.01.2024 07:08:09", "d.M.yyyy H:m:s", "d/M/yy h:m:s t", "5/1/24 7:8:9 A");
    reformats("05.01.2024 07:08:09", "dd.MM.yyyy HH:mm:ss", "s", "2024-01-05T07:08:09");
    for (text, format) in [
        ("5.01.2024", "dd.MM.yyyy"),
        ("05.1.2024", "dd.MM.yyyy"),
        ("05.01.24", "dd.MM.yyyy"),
        ("05.01.02024", "dd.MM.yyyy"),
        ("2024-01-05 7:08", "yyyy-MM-dd HH:mm"),
        ("2024-01-05 07:08:9", "yyyy-MM-dd HH:mm:ss"),
        ("2024-01-05 24:00", "yyyy-MM-dd HH:mm"),
        ("2024-01-05 13:00 PM", "yyyy-MM-dd hh:mm tt"),
        ("2024-01-05 13:00 AM", "yyyy-MM-dd HH:mm tt"),
        ("2024-01-05x", "yyyy-MM-dd"),
        ("2024-01-05 6", "yyyy-MM-dd d"),
    ] {
        does_not_match(text, format);
    }
    covers!("M-114");
}

#[test]
fn names_match_in_any_letter_case_and_must_agree() {
    reformats("FRIDAY, 5 january 2024", "dddd, d MMMM yyyy", "ddd MMM", "Fri Jan");
    reformats("fri 05 JAN 2024", "ddd dd MMM yyyy", "dddd MMMM", "Friday January");
    does_not_match("Monday, 5 January 2024", "dddd, d MMMM yyyy");
    does_not_match("Fr 05 Jan 2024", "ddd dd MMM yyyy");
    reformats("2024-01-05 12:05 AM", "yyyy-MM-dd hh:mm tt", "HH:mm", "00:05");
    reformats("2024-01-05 12:05 pm", "yyyy-MM-dd hh:mm tt", "HH:mm", "12:05");
    reformats("2024-01-05 11:05 P", "yyyy-MM-dd hh:mm t", "HH:mm", "23:05");
    reformats("29", "yy", "yyyy", "2029");
    reformats("30", "yy", "yyyy", "1930");
    covers!("M-115");
}

#[test]
fn fractions_and_literals_follow_their_specifiers() {
    reformats("10:20:30.120", "HH:mm:ss.fff", "ss.fffffff", "30.1200000");
    reformats("10:20:30.12", "HH:mm:ss.FFF", "ss.FFF", "30.12");
    reformats("10:20:30", "HH:mm:ss.FFF", "ss.FFFx", "30x");
    reformats("10:20:30.1299", "HH:mm:ss.ffff", "ss.ff", "30.12");
    does_not_match("10:20:30.12", "HH:mm:ss.fff");
    does_not_match("10:20:30.1234", "HH:mm:ss.FFF");
    reformats("on 2024-01-05 at", "'on' yyyy-MM-dd \"at\"", "yyyy'-W'dd\\d", "2024-W05d");
    reformats("2024-01-05", "yyyy-MM-dd", "%d", "5");
    reformats("2024-01-05T10:00", "yyyy-MM-ddTHH:mm", "h 'o''clock'", "10 oclock");
    does_not_match("2024-01-05", "'open");
    does_not_match("2024-01-05", "yyyy-MM-dd%");
    does_not_match("2024-01-05", "%%d");
    does_not_match("2024-01-05", "yyyy-MM-dd\\");
    does_not_match("0.12345678", "s.ffffffff");
    covers!("M-116");
}

#[test]
fn one_letter_is_a_standard_format() {
    for (format, wanted) in [
        ("d", "01/05/2024"),
        ("D", "Friday, 05 January 2024"),
        ("t", "09:08"),
        ("T", "09:08:07"),
        ("s", "2024-01-05T09:08:07"),
        ("u", "2024-01-05 09:08:07Z"),
        ("o", "2024-01-05T09:08:07.6540000Z"),
        ("r", "Fri, 05 Jan 2024 09:08:07 GMT"),
        ("g", "01/05/2024 09:08"),
        ("G", "01/05/2024 09:08:07"),
        ("f", "Friday, 05 January 2024 09:08"),
        ("F", "Friday, 05 January 2024 09:08:07"),
        ("m", "January 05"),
        ("y", "2024 January"),
    ] {
        reformats("2024-01-05T09:08:07.654Z", "yyyy-MM-ddTHH:mm:ss.fffZ", format, wanted);
    }
    for format in ["q", "x", "H", "h", "z", "K", "-"] {
        fails(
            r#"FormatDateTime("2024-01-05", , "yyyy-MM-dd", [f])"#,
            &json!({ "f": format }),
            "is not a standard date format",
        );
    }
    covers!("M-117");
}

#[test]
fn offsets_are_read_and_written() {
    reformats(
        "2021-06-30T00:00+08:00",
        "yyyy-MM-ddTHH:mmzzz",
        "yyyy-MM-ddTHH:mmzzz",
        "2021-06-29T16:00+00:00",
    );
    reformats("2021-06-30T00:00-0130", "yyyy-MM-ddTHH:mmzzz", "HH:mm", "01:30");
    reformats("2021-06-30T00:00+08", "yyyy-MM-ddTHH:mmzz", "dd HH:mm z zz", "29 16:00 +0 +00");
    reformats("2021-06-30T00:00-8", "yyyy-MM-ddTHH:mmz", "HH:mm", "08:00");
    reformats("2021-06-30T05:00Z", "yyyy-MM-ddTHH:mmK", "HH:mmK", "05:00Z");
    reformats("2021-06-30T05:00", "yyyy-MM-ddTHH:mmK", "HH:mmK", "05:00");
    reformats("2021-06-30T05:00+02:00", "yyyy-MM-ddTHH:mmK", "HH:mmK", "03:00+00:00");
    does_not_match("2021-06-30", "yyyy-MM-ddzzz");
    does_not_match("2021-06-30+15:00", "yyyy-MM-ddzzz");
    does_not_match("2021-06-30+08:60", "yyyy-MM-ddzzz");
    covers!("M-143");
}

#[test]
fn missing_parts_come_from_the_present_day_or_the_first_of_the_year() {
    // Now is 2025-07-30.
    reformats("2024", "yyyy", "yyyy-MM-dd HH:mm", "2024-01-01 00:00");
    reformats("2024-05", "yyyy-MM", "yyyy-MM-dd", "2024-05-01");
    reformats("05-06", "MM-dd", "yyyy-MM-dd", "2025-05-06");
    reformats("10:30", "HH:mm", "yyyy-MM-dd HH:mm", "2025-07-30 10:30");
    let text = r#"FormatDateTime("10:30", "NoCurrentDateDefault", "HH:mm", "yyyy-MM-dd HH:mm")"#;
    gives(text, &json!({}), &json!("0001-01-01 10:30"));
}

/// What `styles` make of a time in the format `format`.
fn styled(text: &str, styles: &str, format: &str) -> (String, Json) {
    let expression = format!(r#"FormatDateTime("{text}", "{styles}", "{format}", "yyyy-MM-dd HH:mmK")"#);
    (expression, json!({}))
}

#[test]
fn styles_say_how_strictly_and_in_which_zone() {
    for (text, styles, format, wanted) in [
        ("2024-01-05 10:00", "AssumeUniversal", "yyyy-MM-dd HH:mm", "2024-01-05 10:00+00:00"),
        ("2024-01-05 10:00", "AssumeUniversal, AdjustToUniversal", "yyyy-MM-dd HH:mm", "2024-01-05 10:00Z"),
        ("2024-01-05 10:00", "AssumeLocal", "yyyy-MM-dd HH:mm", "2024-01-05 10:00+00:00"),
        ("2024-01-05 10:00", "DateTimeStyles.None", "yyyy-MM-dd HH:mm", "2024-01-05 10:00"),
        ("2024-01-05 10:00+02:00", "AdjustToUniversal", "yyyy-MM-dd HH:mmzzz", "2024-01-05 08:00Z"),
        ("2024-01-05  10:00 ", "AllowWhiteSpaces", "yyyy-MM-dd HH:mm", "2024-01-05 10:00"),
        ("2024-01-05 10:00Z", "RoundtripKind", "yyyy-MM-dd HH:mmZ", "2024-01-05 10:00Z"),
    ] {
        let (expression, attributes) = styled(text, styles, format);
        gives(&expression, &attributes, &json!(wanted));
    }
    for (text, styles) in [
        (" 2024-01-05", "AllowTrailingWhite"),
        ("2024-01-05 ", "AllowLeadingWhite"),
        (" 2024-01-05", "None"),
        ("2024 -01-05", "AllowLeadingWhite,AllowTrailingWhite"),
        ("2024-01-05", "AssumeLocal,AssumeUniversal"),
        ("2024-01-05", "RoundtripKind,AdjustToUniversal"),
        ("2024-01-05", "RoundtripKind,AssumeLocal"),
        ("2024-01-05", "RoundtripKind,AssumeUniversal"),
        ("2024-01-05", "Nonsense"),
        ("", ""),
    ] {
        let (expression, attributes) = styled(text, styles, "yyyy-MM-dd");
        fails(&expression, &attributes, "'FormatDateTime.'");
    }
    covers!("M-142");
}

#[test]
fn a_date_value_is_formatted_without_its_input_format() {
    for text in [
        r#"FormatDateTime(CDate("2024-01-31"), , "nonsense", "yyyyMMdd")"#,
        r#"FormatDateTime(DateAdd("d", 30, "2024-01-01"), "nonsense", "yyyyMMdd")"#,
        r#"FormatDateTime(DateFromNum("133511328000000000"), , "nonsense", "yyyyMMdd")"#,
        r#"FormatDateTime("31.01.2024", "dd.MM.yyyy", "yyyyMMdd")"#,
    ] {
        gives(text, &json!({}), &json!("20240131"));
    }
    gives(
        r#"FormatDateTime(Now(), , "nonsense", "yyyy-MM-ddTHH:mm:ssK")"#,
        &json!({}),
        &json!("2025-07-30T00:00:00Z"),
    );
    covers!("M-144");
}
