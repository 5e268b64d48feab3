//! Who is told of a job in trouble: mails and the audit log, from files to files (`engine.md 10` and `13`).

use std::collections::BTreeMap;

use scimulator::clock::{Clock as _, SignedDuration};
use scimulator::covers;
use scimulator::engine::quarantine::Reason;
use scimulator::engine::status;
use scimulator::http::Method;
use scimulator::mail::Postman;

use super::harness::{JOB, World, status as answer};

const GUARDED: &str = "delete_threshold = 1\nnotification_email = \"ops@contoso.com\"\n";

/// Three who are provisioned.
fn settled(lines: &str) -> World {
    let mut world = World::new(lines);
    world.accept_vanished = true;
    for name in ["a", "b", "c"] {
        world.people.user(name, &[]).assign(name);
    }
    world.clean_cycle();
    world
}

/// A mail as its file has it, read by nothing but the rules of RFC 5322: unfolded headers and the text.
#[derive(Debug)]
struct Mail {
    file: String,
    headers: BTreeMap<String, String>,
    body: Vec<String>,
}

fn read(file: &str, text: &str) -> Mail {
    let (head, body) = text.split_once("\r\n\r\n").expect("headers, an empty line, a text");
    let head = head.replace("\r\n ", " ");
    let headers = head.split("\r\n").map(|line| line.split_once(": ").expect("a name and a value"));
    let headers: BTreeMap<String, String> =
        headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert!(body.is_ascii() && body.split("\r\n").all(|line| line.len() <= 998 && !line.contains('\n')));
    let body = match headers["Content-Transfer-Encoding"].as_str() {
        "7bit" => body.to_owned(),
        "quoted-printable" => from_quoted_printable(body),
        other => panic!("{other}"),
    };
    Mail { file: file.to_owned(), headers, body: body.lines().map(str::to_owned).collect() }
}

/// RFC 2045 6.7, of ASCII alone.
fn from_quoted_printable(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let mut parts = text.split('=');
    let mut decoded = parts.next().unwrap().to_owned();
    for part in parts {
        let byte = u8::from_str_radix(&part[..2], 16).unwrap();
        decoded.push(char::from(byte));
        decoded.push_str(&part[2..]);
    }
    decoded
}

/// Delivers what is due; the mails that came of it.
fn deliver(world: &mut World) -> Vec<Mail> {
    let (config, _) = scimulator::config::load(&world.project.path("scimulator.toml")).unwrap();
    let now = world.clock.now();
    let before = files(world);
    Postman::new(&config, &|_| None).deliver(world.store(), JOB, now);
    let mut after = files(world);
    after.retain(|file, _| !before.contains_key(file));
    after.iter().map(|(file, text)| read(file, text)).collect()
}

fn files(world: &World) -> BTreeMap<String, String> {
    let Ok(folder) = std::fs::read_dir(world.project.path("state/mail")) else { return BTreeMap::new() };
    let files = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    files.map(|file| (file.clone(), world.project.read(&format!("state/mail/{file}")))).collect()
}

fn line<'m>(mail: &'m Mail, name: &str) -> &'m str {
    let begins = format!("{name}: ");
    mail.body.iter().find_map(|line| line.strip_prefix(&begins)).unwrap_or_else(|| panic!("{name}: {mail:?}"))
}

#[test]
fn a_whole_story_of_quarantine_sends_the_documented_mails_and_each_once() {
    let mut world = settled(GUARDED);
    assert_eq!(deliver(&mut world).len(), 0);
    let (spec, _) = world.spec();

    // One object fails, and is tried again.
    world.always(Method::Post, "/Users", answer(500));
    world.people.user("d", &[]).assign("d");
    world.cycle();
    world.cycle();
    assert_eq!(deliver(&mut world).len(), 0);
    covers!("E-270");
    world.heal();
    world.clean_cycle();

    // The credentials are refused, three times.
    world.always(Method::Get, "/Users", answer(401));
    let entered = world.cycle().quarantine.unwrap();
    let sent = deliver(&mut world);
    world.cycle();
    world.cycle();
    assert_eq!(deliver(&mut world).len(), 0);
    let [mail] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(mail.headers["From"], "azure-noreply@microsoft.com");
    assert_eq!(mail.headers["To"], "ops@contoso.com");
    covers!("E-271");
    assert_eq!(mail.file, "000001-job-quarantined.eml");
    assert!(mail.headers["Subject"].contains("EncounteredQuarantineException"), "{mail:?}");
    let at = scimulator::clock::Timestamp::from_second(entered.series_began.as_second()).unwrap();
    let date = at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    assert_eq!(mail.headers["Date"], date);
    assert_eq!(line(mail, "Application"), "job");
    assert_eq!(line(mail, "Tenant"), spec.tenant_id);
    assert_eq!(line(mail, "Job"), spec.id);
    assert_eq!(line(mail, "Reason"), "EncounteredQuarantineException");
    assert_eq!(line(mail, "First seen"), at.to_string());
    assert_eq!(line(mail, "Error code"), entered.error_code);
    assert!(!line(mail, "Error message").is_empty());
    let next = entered.next_attempt.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert_eq!(line(mail, "Next attempt"), next);
    let link = line(mail, "Link");
    assert!(link.starts_with("file:///") && link.ends_with("/scimulator.toml"), "{link}");
    covers!("E-272");

    // Mended, but now two are to go where one may.
    world.heal();
    world.people.unassign("a").unassign("b");
    assert_eq!(world.cycle().quarantine.unwrap().reason, Reason::TooManyDeletes);
    let changed = deliver(&mut world);
    world.cycle();
    assert_eq!(deliver(&mut world).len(), 0);
    let [mail] = &changed[..] else { panic!("{changed:?}") };
    assert_eq!(
        (mail.file.as_str(), line(mail, "Reason")),
        ("000002-job-reason-changed.eml", "TooManyDeletes")
    );

    // Lifted without a word, and entered again.
    world.people.assign("a").assign("b");
    assert_eq!(world.clean_cycle().quarantine, None);
    assert_eq!(deliver(&mut world).len(), 0);
    world.people.unassign("a").unassign("b");
    let tripped = world.cycle().quarantine.unwrap();
    let [mail] = &deliver(&mut world)[..] else { panic!("one mail") };
    assert_eq!((mail.file.as_str(), line(mail, "Reason")), ("000003-job-quarantined.eml", "TooManyDeletes"));
    covers!("E-268");

    // Nobody answers for four weeks.
    while world.begin_next().duration_since(tripped.series_began) < SignedDuration::from_hours(28 * 24) {
        world.cycle();
    }
    assert_eq!(deliver(&mut world).len(), 0);
    let end = tripped.series_began.saturating_add(SignedDuration::from_hours(28 * 24)).unwrap();
    assert!(status::settle(world.store(), &spec, end).unwrap());
    let [mail] = &deliver(&mut world)[..] else { panic!("one mail") };
    assert_eq!((mail.file.as_str(), line(mail, "Next attempt")), ("000004-job-disabled.eml", "none"));
    assert!(status::settle(world.store(), &spec, end).unwrap());
    assert_eq!(deliver(&mut world).len(), 0);
    covers!("E-269");

    let ids: std::collections::BTreeSet<String> =
        files(&world).iter().map(|(file, text)| read(file, text).headers["Message-ID"].clone()).collect();
    assert_eq!(ids.len(), 4);

    let audit: Vec<(String, Option<String>)> = world
        .store()
        .audit(JOB)
        .unwrap()
        .into_iter()
        .filter(|row| row.activity == "Quarantine")
        .map(|row| (row.details, row.error_code))
        .collect();
    let codes: Vec<&str> = audit.iter().map(|(_, code)| code.as_deref().unwrap()).collect();
    assert_eq!(codes, [entered.error_code.as_str(), "TooManyDeletes", "TooManyDeletes"]);
    assert!(audit[2].0.contains("entered quarantine: TooManyDeletes"), "{audit:?}");
    covers!("E-174", "E-182");
}

#[test]
fn nobody_is_told_without_an_address_or_with_notifications_off_or_of_the_end_by_choice() {
    for lines in ["", "notification_email = \"ops@contoso.com\"\nnotifications = false\n"] {
        let mut world = settled(lines);
        world.always(Method::Get, "/Users", answer(401));
        assert!(world.cycle().quarantine.is_some());
        assert_eq!(deliver(&mut world).len(), 0);
        assert!(world.store().audit(JOB).unwrap().iter().any(|row| row.activity == "Quarantine"));
    }
    covers!("E-271");

    let mut world =
        settled("notification_email = \"ops@contoso.com\"\n[job.fidelity]\nmail_on_disable = false\n");
    world.always(Method::Get, "/Users", answer(401));
    let began = world.cycle().quarantine.unwrap().series_began;
    assert_eq!(deliver(&mut world).len(), 1);
    let (spec, _) = world.spec();
    let end = began.saturating_add(SignedDuration::from_hours(28 * 24)).unwrap();
    assert!(status::settle(world.store(), &spec, end).unwrap());
    assert_eq!(deliver(&mut world).len(), 0);
    covers!("E-269");
}

#[test]
fn the_logs_forget_what_is_older_than_their_retention() {
    for (lines, days) in [("", 30), ("[job.fidelity]\nlog_retention = \"7d\"\n", 7)] {
        let mut world = settled(lines);
        let first = world.clock.now();
        let retention = SignedDuration::from_hours(days * 24);
        let entries = |world: &mut World| -> Vec<String> {
            let rows = world.log().into_iter().filter(|logged| logged.row.at == first);
            rows.map(|logged| logged.line()).collect()
        };
        let audited = |world: &mut World| world.store().audit(JOB).unwrap().iter().any(|row| row.at == first);
        let at_the_limit = first.saturating_add(retention).unwrap();
        world.people.set("b", "jobTitle", "Clerk");
        world.run_at(scimulator::engine::Purpose::Cycle, at_the_limit);
        assert_eq!(entries(&mut world).len(), 3, "{days} days");
        assert!(audited(&mut world));
        let later = at_the_limit.saturating_add(SignedDuration::from_secs(1)).unwrap();
        world.run_at(scimulator::engine::Purpose::Cycle, later);
        assert_eq!(entries(&mut world), [""; 0], "{days} days and a second");
        assert!(!audited(&mut world));
        assert_eq!(world.log().len(), 1, "what is younger stays");
    }
    covers!("E-261");
}

#[test]
fn a_mail_that_can_not_be_kept_stays_due_and_is_delivered_once_it_can() {
    let mut world = settled("notification_email = \"ops@contoso.com\"\n");
    world.project.write("state/mail", "a file in the folder's place");
    world.always(Method::Get, "/Users", answer(401));
    world.cycle();
    assert_eq!(deliver(&mut world).len(), 0);
    std::fs::remove_file(world.project.path("state/mail")).unwrap();
    assert_eq!(deliver(&mut world).len(), 1);
    assert_eq!(deliver(&mut world).len(), 0);
}
