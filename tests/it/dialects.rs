//! Which dialect a job speaks, and where its requests go (`wire.md 0.3`, 1.1, 7).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use scimulator::config;
use scimulator::covers;
use scimulator::engine::spec::JobSpec;
use scimulator::scim::style::Dialect;

use crate::common::Project;

fn project(job: &str) -> Project {
    let config = format!("[directory]\npath = 'directory'\n[[job]]\nname = 'app'\n{job}\n");
    Project::with([
        ("scimulator.toml", &config),
        ("directory/users.csv", "userPrincipalName\nada@contoso.com\n"),
    ])
}

/// The dialect of a job, and its id; what is wrong with it.
fn spoken(job: &str) -> Result<(Dialect, String), String> {
    let project = project(job);
    match config::load(&project.path("scimulator.toml")) {
        Ok((config, _)) => {
            let spec = JobSpec::new(&config, &config.jobs[0], 1);
            Ok((spec.style.dialect, spec.id))
        }
        Err(findings) => Err(findings.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn the_app_and_the_flags_of_the_tenant_url_select_the_dialect() {
    let (default, optscim, legacy) = (Dialect::Default, Dialect::Optscim, Dialect::Legacy2018);
    let cases = [
        ("", "/scim", "", default),
        ("", "/scim?aadOptscim062020", "", optscim),
        ("", "/scim/?aadOptscim062020", "", optscim),
        ("", "/any/path/v2?aadOptscim062020", "", optscim),
        ("", "/scim?AzureAdScimPatch2017", "", default),
        ("", "/scim?AzureAdScimPatch062020", "", optscim),
        ("app = 'customappsso'", "/scim", "", legacy),
        ("app = 'customappsso'", "/scim?aadOptscim062020", "", legacy),
        ("", "/scim", "dialect = 'optscim'", optscim),
        ("", "/scim?aadOptscim062020", "dialect = 'default'", default),
        ("app = 'customappsso'", "/v2", "dialect = 'default'", default),
        ("", "/scim", "dialect = 'legacy2018'", legacy),
    ];
    for (app, path, switch, wanted) in cases {
        let job = format!("{app}\ntenant_url = 'http://127.0.0.1{path}'\n[job.fidelity]\n{switch}");
        let (dialect, id) = spoken(&job).unwrap();
        assert_eq!(dialect, wanted, "{job}");
        let template = if app.is_empty() { "scim." } else { "customappsso." };
        assert!(id.starts_with(template), "{id}");
    }
    covers!("W-001", "W-002", "W-172");
}

#[test]
fn the_dialect_of_2018_reaches_scim_under_the_root_and_nothing_else() {
    for (path, taken) in
        [("/scim", true), ("/scim/", true), ("/", false), ("/scim/v2", false), ("/api/scim", false)]
    {
        let job = format!("app = 'customappsso'\ntenant_url = 'http://127.0.0.1:9{path}'");
        let refused = spoken(&job).err();
        assert_eq!(refused.is_none(), taken, "{path}: {refused:?}");
        let said = refused.unwrap_or_default();
        assert!(taken || said.contains("the 2018 dialect has no use for this path"), "{said}");
        assert!(spoken(&job.replace("app = 'customappsso'", "")).is_ok());
    }
    covers!("W-005");
}

/// Takes requests until one is not a probe that can be answered; gives their request lines.
fn listen(requests: usize) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let mut lines = Vec::new();
        while lines.len() < requests {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
            let mut head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            lines.push(head.next().unwrap());
            head.find(String::is_empty);
            let body =
                r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#;
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
        lines
    });
    (port, thread)
}

#[test]
fn every_path_of_a_tenant_url_is_the_prefix_of_requests_with_or_without_a_slash_at_its_end() {
    let cases = [
        ("", "/"),
        ("/", "/"),
        ("/scim", "/scim/"),
        ("/scim/", "/scim/"),
        ("/scim/?aadOptscim062020", "/scim/"),
        ("/a/b%20c/v2?aadOptscim062020", "/a/b%20c/v2/"),
        ("/a/v2/?AzureAdScimPatch2017", "/a/v2/"),
    ];
    for (path, prefix) in cases {
        let (port, server) = listen(2);
        let project = project(&format!("tenant_url = 'http://127.0.0.1:{port}{path}'"));
        project.scimulator(["test-connection", "-q"]).assert().success();
        let lines = server.join().unwrap();
        assert!(
            lines[0].starts_with(&format!("GET {prefix}Users?filter=userName+eq+%22")),
            "{path}: {lines:?}"
        );
        let groups = format!("GET {prefix}Groups?excludedAttributes=members&filter=displayName+eq+%22");
        assert!(lines[1].starts_with(&groups), "{path}: {lines:?}");
        assert!(
            lines
                .iter()
                .all(|line| !line.contains("//") && !line.contains("aadOptscim") && !line.contains("Azure"))
        );
    }
    covers!("W-004", "W-005", "W-172");
}

#[test]
fn http_is_said_to_be_off_spec_on_this_machine_and_elsewhere() {
    let said = |job: &str| {
        let output = project(job).scimulator(["check"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let off_spec = "plain `http` is off spec: Entra speaks to `https` only";
    assert!(
        said("tenant_url = 'http://127.0.0.1/scim'")
            .contains(&format!("{off_spec}; on this machine it is allowed"))
    );
    assert!(said("tenant_url = 'http://app.example/scim'\nallow_remote = true").contains(off_spec));
    assert!(!said("tenant_url = 'https://127.0.0.1/scim'").contains(off_spec));
    assert!(!said("tenant_url = 'embedded'").contains(off_spec));
    covers!("W-006");
}
