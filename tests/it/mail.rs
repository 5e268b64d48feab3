//! Notifications as they leave: by a mail server on loopback that keeps what it was told.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use scimulator::covers;

use crate::common::{Project, free_port};

/// Bounds every wait, far beyond what any needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// One mail as the server got it.
#[derive(Debug)]
struct Received {
    /// `AUTH`, `MAIL` and `RCPT` as they were said.
    commands: Vec<String>,
    /// Header lines and text, unstuffed.
    lines: Vec<String>,
}

/// A recipient, by a part of the address, and the words by which a server refuses it; nobody: it refuses to talk.
type Refusal = (&'static str, &'static str);

/// A mail server that takes everything else.
fn mail_server(refusal: Option<Refusal>) -> (u16, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, received) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            if let Some(mail) = converse(&stream, refusal)
                && sender.send(mail).is_err()
            {
                return;
            }
        }
    });
    (port, received)
}

/// RFC 5321, as far as a client that sends one mail needs it.
fn converse(mut stream: &TcpStream, refusal: Option<Refusal>) -> Option<Received> {
    let mut received = Received { commands: Vec::new(), lines: Vec::new() };
    if let Some(("", words)) = refusal {
        stream.write_all(format!("554 {words}\r\n").as_bytes()).ok()?;
        return None;
    }
    stream.write_all(b"220 mail.test\r\n").ok()?;
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    while let Some(line) = lines.next() {
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        if ["AUTH", "MAIL", "RCPT"].contains(&verb.as_str()) {
            received.commands.push(line.clone());
        }
        let answer = match (verb.as_str(), refusal) {
            ("EHLO", _) => "250-mail.test\r\n250 AUTH PLAIN LOGIN".to_owned(),
            ("RCPT", Some((who, words))) if line.contains(who) => {
                format!("550 {words} {}", received.commands.join(" "))
            }
            ("AUTH", _) => "235 welcome".to_owned(),
            ("DATA", _) => {
                stream.write_all(b"354 go on\r\n").ok()?;
                let text = lines.by_ref().take_while(|line| line != ".");
                received.lines =
                    text.map(|line| line.strip_prefix('.').map(str::to_owned).unwrap_or(line)).collect();
                "250 taken".to_owned()
            }
            ("QUIT", _) => {
                stream.write_all(b"221 bye\r\n").ok()?;
                break;
            }
            (_, _) => "250 fine".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
    }
    // Some clients end the text with an empty line of their own.
    while received.lines.last().is_some_and(String::is_empty) {
        received.lines.pop();
    }
    (!received.lines.is_empty()).then_some(received)
}

/// A job whose target nobody serves, and a mail server.
fn project(port: u16) -> Project {
    let config = format!(
        "[directory]\npath = 'directory'\n[mail]\nfrom = 'scimulator@contoso.com'\nlink_base = 'https://look.contoso.com/at'\n\
         [mail.smtp]\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'none'\nusername = 'app'\npassword = {{ env = 'MAIL' }}\n\
         [[job]]\nname = 'staging'\ntenant_url = 'http://127.0.0.1:{}/scim'\nnotification_email = 'ops@contoso.com'\n",
        free_port()
    );
    let users = "userPrincipalName,displayName\nadele@contoso.com,Adele\n";
    Project::with([("scimulator.toml", &config), ("directory/users.csv", users)])
}

fn files(project: &Project) -> Vec<String> {
    let folder = std::fs::read_dir(project.path("state/mail")).unwrap();
    let mut files: Vec<String> =
        folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    files
}

#[test]
fn a_mail_server_gets_what_the_file_holds_and_is_told_once() {
    let (port, received) = mail_server(None);
    let project = project(port);
    let run = project.scimulator(["cycle"]).env("MAIL", "s3cr3t").output().unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", String::from_utf8_lossy(&run.stderr));
    let mail = received.recv_timeout(PATIENCE).unwrap();
    // base64 of NUL `app` NUL `s3cr3t`, made with coreutils.
    assert_eq!(
        mail.commands,
        ["AUTH PLAIN AGFwcABzM2NyM3Q=", "MAIL FROM:<scimulator@contoso.com>", "RCPT TO:<ops@contoso.com>"]
    );
    for line in ["From: scimulator@contoso.com", "To: ops@contoso.com"] {
        assert!(mail.lines.iter().any(|of| of == line), "{line}: {mail:?}");
    }
    assert!(
        mail.lines.iter().any(|line| line.contains("https://look.contoso.com/at/jobs/staging")),
        "{mail:?}"
    );
    assert_eq!(files(&project), ["000001-staging-quarantined.eml"]);
    assert_eq!(
        project.read("state/mail/000001-staging-quarantined.eml").lines().collect::<Vec<_>>(),
        mail.lines
    );
    covers!("E-272");

    // In quarantine, and nothing is due: nobody is told again.
    let run = project.scimulator(["cycle"]).env("MAIL", "s3cr3t").output().unwrap();
    assert_eq!(run.status.code(), Some(4));
    assert!(received.try_recv().is_err());
    assert_eq!(files(&project).len(), 1);
}

#[test]
fn a_mail_server_that_refuses_or_is_not_there_changes_nothing_about_a_cycle_and_is_asked_again() {
    let (refusing, _) = mail_server(Some(("ops@", "no")));
    let (closed, _) = mail_server(Some(("", "not from your address")));
    for (port, why, password) in [
        (free_port(), "did not take it", Some("s3cr3t")),
        (closed, "not from your address", Some("s3cr3t")),
        (refusing, "550", Some("s3cr3t")),
        (refusing, "the password of the mail server can't be had", None),
    ] {
        let project = project(port);
        let mut command = project.scimulator(["cycle", "-v"]);
        if let Some(password) = password {
            command.env("MAIL", password);
        }
        let run = command.output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(3), "{said}");
        assert!(said.contains("a mail of job `staging` is not delivered") && said.contains(why), "{said}");
        assert!(!said.contains("s3cr3t") && !said.contains("AGFwcABzM2NyM3Q="), "{said}");
        assert_eq!(files(&project), ["000001-staging-quarantined.eml"], "the file is there all the same");

        // The server is mended; a start and another try of the job bring the mail out.
        let (port, received) = mail_server(None);
        mend(&project, port);
        fail_again(&project);
        // What a server has refused for good is not sent to another.
        for _ in 0..if why == "550" { 1 } else { 2 } {
            let mail = received.recv_timeout(PATIENCE).unwrap();
            assert!(mail.lines.iter().any(|line| line.starts_with("Subject: ")), "{mail:?}");
        }
        assert!(received.try_recv().is_err());
        assert_eq!(files(&project).len(), 2, "the one that was due, and the job is in quarantine anew");
    }
}

/// Has the job go on with another mail server.
fn mend(project: &Project, port: u16) {
    let config = project.read("scimulator.toml");
    let line = config.lines().find(|line| line.starts_with("port = ")).unwrap().to_owned();
    project.write("scimulator.toml", &config.replace(&line, &format!("port = {port}")));
}

/// The job's next attempt fails again, which is told anew.
fn fail_again(project: &Project) -> String {
    project.scimulator(["start"]).assert().success();
    let run = project.scimulator(["cycle", "-v"]).env("MAIL", "s3cr3t").output().unwrap();
    String::from_utf8(run.stderr).unwrap()
}

#[test]
fn a_mail_that_a_server_refuses_for_good_is_given_up_and_keeps_no_other_back() {
    let project = project(free_port());
    fail_again(&project);
    project.write("scimulator.toml", &project.read("scimulator.toml").replace("ops@", "desk@"));
    fail_again(&project);
    assert_eq!(files(&project).len(), 2, "a server that is not there keeps no file back");

    let (port, received) = mail_server(Some(("ops@", "nobody here")));
    mend(&project, port);
    let said = fail_again(&project);
    assert!(said.contains("550") && said.contains("it is not tried again"), "{said}");
    for _ in 0..2 {
        let mail = received.recv_timeout(PATIENCE).unwrap();
        assert!(mail.lines.contains(&"To: desk@contoso.com".to_owned()), "{mail:?}");
    }
    let said = fail_again(&project);
    assert!(!said.contains("is not delivered"), "{said}");
    received.recv_timeout(PATIENCE).unwrap();
    assert!(received.try_recv().is_err());
}

#[test]
fn the_service_delivers_what_a_job_owes_that_runs_no_cycle_any_more() {
    let project = project(free_port());
    fail_again(&project);
    project.scimulator(["pause"]).assert().success();
    let (port, received) = mail_server(None);
    mend(&project, port);
    let mut service = std::process::Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args(["run", "-q"])
        .current_dir(project.path(""))
        .env("MAIL", "s3cr3t")
        .spawn()
        .unwrap();
    let mail = received.recv_timeout(PATIENCE);
    service.kill().unwrap();
    service.wait().unwrap();
    let mail = mail.unwrap();
    assert!(mail.lines.iter().any(|line| line.starts_with("Subject: ")), "{mail:?}");
}
