//! The wire journal on disk: what is in it, what is never in it, what a crash leaves.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use scimulator::client::{
    About, Answered, Authorization, BearerToken, Body, Exchange, Filter, JOURNAL_BODY_BYTES_MAX,
    JournalError, JournalWriter, ObjectRef, Outcome, Redactor, file_name, prune, read,
};
use scimulator::directory::object::ObjectKind;
use scimulator::http::{Method, Request, Response, TransportError};
use secrecy::SecretString;
use serde_json::{Value, json};

const SECRET: &str = "s3cret/+\"ü";

fn about(effect: &str, cycle: u64, label: &str) -> About {
    About {
        effect: effect.to_owned(),
        cycle: Some(cycle),
        object: Some(ObjectRef {
            kind: ObjectKind::User,
            label: label.to_owned(),
            source_id: format!("id-{label}"),
        }),
        started: "2026-08-01T09:40:00Z".parse().unwrap(),
    }
}

fn patch(body: &str) -> Request {
    Request {
        method: Method::Patch,
        url: "http://127.0.0.1:1/scim/Users/42".to_owned(),
        headers: vec![
            ("Authorization".to_owned(), "Bearer abc".to_owned()),
            ("Accept".to_owned(), "application/scim+json".to_owned()),
        ],
        body: Some(body.as_bytes().to_vec()),
    }
}

fn answered(status: u16, body: &str) -> Answered {
    let headers = vec![("content-type".to_owned(), "application/scim+json".to_owned())];
    let outcome = Ok(Response { status, headers, body: body.as_bytes().to_vec() });
    Answered { outcome, elapsed: Duration::from_micros(12_999) }
}

fn redactor() -> Redactor {
    Redactor::new([SecretString::from(SECRET)])
}

fn record(effect: &str, cycle: u64, label: &str) -> Exchange {
    Exchange::record(
        about(effect, cycle, label),
        &patch("{\"b\":1,\"a\":2}"),
        &answered(200, "{}"),
        &redactor(),
    )
}

/// Everything a journal yields: the effects of whole records, and `torn:<line>` for what was skipped.
fn effects(path: &std::path::Path, filter: Filter) -> Vec<String> {
    let name = |item: Result<Exchange, JournalError>| match item {
        Ok(exchange) => exchange.about.effect,
        Err(JournalError::Torn { line, .. }) => format!("torn:{line}"),
        Err(other) => panic!("{other}"),
    };
    read(path, filter).unwrap().map(name).collect()
}

#[test]
fn a_record_reads_back_as_it_was_written_in_a_stable_form() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("state/journal");
    let mut writer = JournalWriter::open(&journal, "staging").unwrap();
    let written = record("1/7/put", 1, "adele@contoso.com");
    writer.append(&written).unwrap();
    let path = journal.join("staging.jsonl");
    assert_eq!(read(&path, Filter::all()).unwrap().map(Result::unwrap).collect::<Vec<_>>(), [written]);
    let line = r#"{"effect":"1/7/put","cycle":1,"object":{"kind":"User","label":"adele@contoso.com","source_id":"id-adele@contoso.com"},"started":"2026-08-01T09:40:00Z","duration_ms":12,"request":{"method":"PATCH","url":"http://127.0.0.1:1/scim/Users/42","headers":[["Authorization","****"],["Accept","application/scim+json"]],"body":{"json":{"b":1,"a":2}},"body_bytes":13},"response":{"status":200,"headers":[["content-type","application/scim+json"]],"body":{"json":{}},"body_bytes":2}}"#;
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{line}\n"));
}

#[test]
fn equal_runs_write_equal_bytes() {
    let run = || {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = JournalWriter::open(folder.path(), "job").unwrap();
        for cycle in 1..=3 {
            writer.append(&record("e", cycle, "adele@contoso.com")).unwrap();
        }
        fs::read(folder.path().join("job.jsonl")).unwrap()
    };
    assert_eq!(run(), run());
}

#[test]
fn every_kind_of_failure_and_body_survives_the_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = JournalWriter::open(folder.path(), "job").unwrap();
    let errors = [
        (TransportError::Connect("refused".to_owned()), "connect"),
        (TransportError::Tls("unknown issuer".to_owned()), "tls"),
        (TransportError::Timeout { after_ms: 30_000 }, "timeout"),
        (TransportError::TooLarge { limit_bytes: 1 }, "too_large"),
        (TransportError::Protocol("garbage".to_owned()), "protocol"),
    ];
    let probe = About { cycle: None, object: None, ..about("probe", 1, "") };
    let mut records = Vec::new();
    for (error, kind) in errors {
        let answered = Answered { outcome: Err(error.clone()), elapsed: Duration::from_secs(30) };
        let exchange = Exchange::record(probe.clone(), &patch("plain"), &answered, &redactor());
        match &exchange.outcome {
            Outcome::Error(found) => {
                assert_eq!((found.kind.as_str(), found.message.clone()), (kind, error.to_string()));
            }
            Outcome::Response(_) => panic!("an error became an answer"),
        }
        assert_eq!(exchange.request.body, Some(Body::Text("plain".to_owned())));
        records.push(exchange);
    }
    let bytes = Answered {
        outcome: Ok(Response { status: 500, headers: Vec::new(), body: vec![b'<', 0xff, b'>'] }),
        elapsed: Duration::ZERO,
    };
    records.push(Exchange::record(probe, &patch("null"), &bytes, &redactor()));
    for exchange in &records {
        writer.append(exchange).unwrap();
    }
    let path = folder.path().join("job.jsonl");
    assert_eq!(read(&path, Filter::all()).unwrap().map(Result::unwrap).collect::<Vec<_>>(), records);
    let last = records.last().unwrap();
    assert_eq!(last.request.body, Some(Body::Json(Value::Null)));
    assert!(
        matches!(&last.outcome, Outcome::Response(answer) if answer.body == Some(Body::Text("<\u{fffd}>".to_owned())))
    );
}

#[test]
fn a_secret_is_nowhere_in_the_file_whoever_wrote_it() {
    let forms = [SECRET, r#"s3cret/+\"ü"#, r"s3cret\/\u002b\u0022\u00fc", "s3cret%2F%2b%22%C3%BC"];
    let folder = tempfile::tempdir().unwrap();
    let mut writer = JournalWriter::open(folder.path(), "job").unwrap();
    for form in forms {
        let mut request = patch(&json!({ "note": form, "list": [{ form: form }] }).to_string());
        request.url = format!("http://h/scim/Users?token={form}");
        request.headers.push(("X-Echo".to_owned(), form.to_owned()));
        let echo = Response {
            status: 401,
            headers: vec![("www-authenticate".to_owned(), format!("Bearer error=\"{form}\""))],
            body: format!("<p>bad token {form}</p>").into_bytes(),
        };
        let answered = Answered { outcome: Ok(echo), elapsed: Duration::ZERO };
        writer.append(&Exchange::record(about("e", 1, form), &request, &answered, &redactor())).unwrap();
        // The escaped forms inside a document, as the target serializes it.
        let document = if form.starts_with(SECRET) {
            json!({ "detail": form }).to_string()
        } else {
            format!("{{\"detail\":\"{form}\"}}")
        };
        let exchange =
            Exchange::record(about("e", 1, "a"), &request, &self::answered(400, &document), &redactor());
        assert!(
            matches!(&exchange.outcome, Outcome::Response(answer) if answer.body == Some(Body::Json(json!({"detail": "****"})))),
            "{form}"
        );
        writer.append(&exchange).unwrap();
    }
    let token = BearerToken::try_from(SecretString::from("t0ken")).unwrap();
    let authorization = Authorization::Bearer(token);
    let mut request = patch("{}");
    authorization.apply(&mut request);
    let redactor = Redactor::new(authorization.secret().cloned());
    let failed = Answered {
        outcome: Err(TransportError::Connect("t0ken refused".to_owned())),
        elapsed: Duration::ZERO,
    };
    writer.append(&Exchange::record(about("e", 1, "a"), &request, &failed, &redactor)).unwrap();
    let text = fs::read_to_string(folder.path().join("job.jsonl")).unwrap();
    assert!(!text.contains("s3cret") && !text.contains("t0ken"), "{text}");
    assert!(text.contains("token=****\"") && text.contains("<p>bad token ****</p>"), "{text}");
}

#[test]
fn a_body_is_kept_up_to_the_limit_and_cut_one_byte_beyond() {
    let exchange = |body: &str| {
        Exchange::record(about("e", 1, "a"), &patch(body), &answered(204, ""), &redactor()).request
    };
    let fits = "x".repeat(JOURNAL_BODY_BYTES_MAX);
    assert_eq!(exchange(&fits).body, Some(Body::Text(fits.clone())));
    let beyond = exchange(&format!("{fits}y"));
    assert_eq!((beyond.body, beyond.body_bytes), (Some(Body::Cut(fits.clone())), 65_537));
    // The cut falls into a character of two bytes, and into a secret.
    let characters = exchange(&format!("x{}", "é".repeat(JOURNAL_BODY_BYTES_MAX)));
    assert_eq!(characters.body, Some(Body::Cut(format!("x{}", "é".repeat(JOURNAL_BODY_BYTES_MAX / 2 - 1)))));
    let almost = "x".repeat(JOURNAL_BODY_BYTES_MAX - 2);
    assert_eq!(exchange(&format!("{almost}{SECRET} tail")).body, Some(Body::Cut(format!("{almost}**"))));
}

#[test]
fn a_torn_last_line_is_skipped_with_a_note_and_the_next_record_stands_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.jsonl");
    let mut writer = JournalWriter::open(folder.path(), "job").unwrap();
    writer.append(&record("first", 1, "a")).unwrap();
    writer.append(&record("second", 1, "a")).unwrap();
    drop(writer);
    let whole = fs::read(&path).unwrap();
    let second_at = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for kept in [second_at + 1, second_at + 40, whole.len() - 2] {
        fs::write(&path, &whole[..kept]).unwrap();
        assert_eq!(effects(&path, Filter::all()), ["first", "torn:2"]);
        JournalWriter::open(folder.path(), "job").unwrap().append(&record("third", 2, "a")).unwrap();
        assert_eq!(effects(&path, Filter::all()), ["first", "torn:2", "third"], "{kept} bytes were left");
    }
    // Only the line break is missing: the record itself is whole.
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    JournalWriter::open(folder.path(), "job").unwrap().append(&record("third", 2, "a")).unwrap();
    assert_eq!(effects(&path, Filter::all()), ["first", "second", "third"]);
}

#[test]
fn records_are_chosen_by_cycle_and_by_object() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.jsonl");
    let mut writer = JournalWriter::open(folder.path(), "job").unwrap();
    writer.append(&record("a1", 1, "Adele@contoso.com")).unwrap();
    writer.append(&record("b1", 1, "bob@contoso.com")).unwrap();
    writer.append(&record("a2", 2, "Adele@contoso.com")).unwrap();
    let chosen =
        |cycle, object: Option<&str>| effects(&path, Filter { cycle, object: object.map(str::to_owned) });
    assert_eq!(chosen(Some(1), None), ["a1", "b1"]);
    assert_eq!(chosen(None, Some("adele@contoso.com")), ["a1", "a2"]);
    assert_eq!(chosen(Some(2), Some("ID-ADELE@contoso.com")), ["a2"]);
    assert_eq!(chosen(Some(3), None), Vec::<String>::new());
}

#[test]
fn a_journal_that_does_not_exist_is_empty_and_a_folder_is_none() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(effects(&folder.path().join("none.jsonl"), Filter::all()), Vec::<String>::new());
    assert!(JournalWriter::open(&folder.path().join("file"), "job").is_ok());
    fs::write(folder.path().join("plain"), "").unwrap();
    let error = JournalWriter::open(&folder.path().join("plain"), "job").unwrap_err();
    assert!(matches!(error, JournalError::Open { .. }), "{error}");
}

#[test]
fn a_line_that_is_no_record_is_skipped_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.jsonl");
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"not json\n\n{}\n").unwrap();
    JournalWriter::open(folder.path(), "job").unwrap().append(&record("whole", 1, "a")).unwrap();
    assert_eq!(effects(&path, Filter::all()), ["torn:1", "torn:2", "torn:3", "whole"]);
}

#[test]
fn a_job_name_can_not_leave_the_folder() {
    let cases = [
        ("staging", "staging.jsonl"),
        ("EU-1_b", "EU-1_b.jsonl"),
        ("../../etc/x", "%2E%2E%2F%2E%2E%2Fetc%2Fx.jsonl"),
        ("a\\b:c", "a%5Cb%3Ac.jsonl"),
    ];
    for (job, wanted) in cases {
        assert_eq!(PathBuf::from(file_name(job)), PathBuf::from(wanted));
    }
}

#[cfg(unix)]
#[test]
fn the_journal_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    JournalWriter::open(&journal, "job").unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(journal.clone()), mode(journal.join("job.jsonl"))), (0o700, 0o600));
}

#[test]
fn records_past_their_time_are_dropped_once_the_oldest_is_a_tenth_older() {
    use scimulator::clock::{SignedDuration, Timestamp};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.jsonl");
    let day = |day: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day);
    let keep = SignedDuration::from_hours(24 * 30);
    prune(folder.path(), "job", keep, day(0)).unwrap();
    assert!(!path.exists(), "there is nothing to drop from a journal that is not there");

    let mut writer = JournalWriter::open(folder.path(), "job").unwrap();
    for number in 0..=33 {
        let mut exchange = record(&number.to_string(), 1, "a");
        exchange.about.started = day(number);
        writer.append(&exchange).unwrap();
    }
    let kept = || {
        let effects = read(&path, Filter::all()).unwrap().map(|exchange| exchange.unwrap().about.effect);
        effects.collect::<Vec<_>>()
    };
    prune(folder.path(), "job", keep, day(33)).unwrap();
    assert_eq!(kept().len(), 34, "exactly a tenth older");
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"torn\": ").unwrap();
    prune(folder.path(), "job", keep, day(33) + SignedDuration::from_secs(1)).unwrap();
    let expected: Vec<String> = (4..=33).map(|number: i64| number.to_string()).collect();
    assert_eq!(kept(), expected, "not older than 30 days; what was torn is gone as well");
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["job.jsonl"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    JournalWriter::open(folder.path(), "job").unwrap().append(&record("next", 2, "a")).unwrap();
    assert_eq!(kept().len(), 31);
}
