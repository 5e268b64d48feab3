//! What integration tests share: a project folder that lives as long as its test, free ports, and SCIM servers
//! written by others.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::sources::root;

/// A folder with the files of a test in it; gone with the value.
pub(crate) struct Project(tempfile::TempDir);

impl Project {
    /// A folder with these files: paths from the folder, with `/`, and their texts. Folders are made as needed.
    pub(crate) fn with<const N: usize>(files: [(&str, &str); N]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// Writes one more file, or another text into one that is there.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// Where a file of this path lies, or would; the folder itself for an empty path.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// The program, to be run in this folder, without colour and without what the caller's environment configures.
    /// It is on no build server.
    pub(crate) fn scimulator<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_scimulator"));
        let ours = std::env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.to_string_lossy().starts_with("SCIM")) {
            command.env_remove(name);
        }
        command.env_remove("GITHUB_ACTIONS");
        command.current_dir(self.0.path()).env("NO_COLOR", "1").args(arguments);
        command
    }

    /// What comes of that.
    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        let output = self.scimulator(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// What a run of the program ended with and printed.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A port of 127.0.0.1 where nobody listens. Another process may take it before it is used: a server of our own
/// listens on port 0 and says which one it got.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A running SCIM server that others wrote, empty at the start; stopped with the value.
pub(crate) struct ThirdParty {
    script: PathBuf,
    port: u16,
    /// Where its resources are: `http://127.0.0.1:PORT/…`, no slash at the end.
    pub(crate) base_url: String,
    /// The bearer token it accepts.
    pub(crate) token: String,
}

impl ThirdParty {
    /// Starts the server that `NAME.sh` in the folder `SCIMULATOR_TARGETS` runs, as `install`, `start PORT` and
    /// `stop PORT`; `start` prints `SCIM_BASE_URL=…` and `SCIM_TOKEN=…`. `None`, and a line on standard error that
    /// says why, when the variable is not set, or `install` ends with 77: the server can't be had here. Any other
    /// failure fails the test, so that nobody takes a test that did nothing for one that passed.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let Some(folder) = std::env::var_os("SCIMULATOR_TARGETS") else {
            eprintln!("skipped: `{name}` needs SCIMULATOR_TARGETS, the folder of its script");
            return None;
        };
        Self::start_from(&root().join(folder), name).unwrap_or_else(|why| panic!("{why}"))
    }

    fn start_from(folder: &Path, name: &str) -> Result<Option<Self>, String> {
        const SKIPPED: i32 = 77;
        let script = folder.join(format!("{name}.sh"));
        match run(&script, &["install"]) {
            Ok(_) => {}
            Err((Some(SKIPPED), why)) => {
                eprintln!("skipped: `{name}` can't be had here: {why}");
                return Ok(None);
            }
            Err((_, why)) => return Err(why),
        }
        let port = free_port();
        let output = run(&script, &["start", &port.to_string()]).map_err(|(_, why)| why)?;
        let settings: BTreeMap<_, _> = output.lines().filter_map(|line| line.split_once('=')).collect();
        let setting = |name: &str| settings[name].to_owned();
        Ok(Some(Self { script, port, base_url: setting("SCIM_BASE_URL"), token: setting("SCIM_TOKEN") }))
    }
}

impl Drop for ThirdParty {
    fn drop(&mut self) {
        if let Err((_, why)) = run(&self.script, &["stop", &self.port.to_string()]) {
            eprintln!("{why}");
        }
    }
}

/// What the script printed; what it ended with and what it complained of, when it failed.
fn run(script: &Path, arguments: &[&str]) -> Result<String, (Option<i32>, String)> {
    let script_name = script.display();
    let output = Command::new("bash").arg(script).args(arguments).output().unwrap();
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let why = format!("`{script_name} {}`: {}", arguments.join(" "), complaint.trim());
        return Err((output.status.code(), why));
    }
    Ok(String::from_utf8(output.stdout).unwrap())
}

/// Changes a body that is JSON; any other stays as it is.
pub(crate) fn edit_json(body: &mut Vec<u8>, change: impl FnOnce(&mut Value)) {
    if let Ok(mut value) = serde_json::from_slice(body) {
        change(&mut value);
        *body = value.to_string().into_bytes();
    }
}

#[test]
fn a_project_holds_its_files_as_long_as_it_lives() {
    let project = Project::with([("scimulator.toml", "a"), ("directory/users.csv", "b")]);
    project.write("scimulator.toml", "c");
    assert_eq!(
        (project.read("scimulator.toml"), project.read("directory/users.csv")),
        ("c".into(), "b".into())
    );

    let folder = project.path("");
    drop(project);
    assert!(!folder.exists());
}

#[test]
fn the_program_runs_in_its_project() {
    Project::with([]).scimulator(["--help"]).assert().success();
}

#[test]
fn a_server_is_stopped_on_its_port_when_its_handle_goes() {
    let script = r#"
        echo "$*" >>"$(dirname "$0")/calls"
        [ "$1" != start ] || printf 'SCIM_BASE_URL=http://127.0.0.1:%s/v2\nSCIM_TOKEN=a=b\n' "$2"
    "#;
    let project = Project::with([
        ("good.sh", script),
        ("bad.sh", "echo 'no network' >&2; exit 1"),
        ("mute.sh", "[ \"$1\" = install ] || { echo 'it ended' >&2; exit 77; }"),
        ("elsewhere.sh", "echo 'no node' >&2; exit 77"),
    ]);
    let folder = project.path("");

    let server = ThirdParty::start_from(&folder, "good").unwrap().unwrap();
    let port = server.port;
    assert_eq!(
        (server.base_url.as_str(), server.token.as_str()),
        (format!("http://127.0.0.1:{port}/v2").as_str(), "a=b")
    );
    drop(server);
    assert_eq!(project.read("calls"), format!("install\nstart {port}\nstop {port}\n"));

    // What can't be had here is skipped, and says so itself. All else that goes wrong is a failure.
    assert!(matches!(ThirdParty::start_from(&folder, "elsewhere"), Ok(None)));
    for (name, words) in [("bad", "install`: no network"), ("mute", "it ended"), ("absent", "install`")] {
        let Err(why) = ThirdParty::start_from(&folder, name) else { panic!("{name} is fine") };
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn third_party_servers_listen_while_their_handles_live() {
    let listens = |port: u16| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    for name in ["scim2-server", "scimmy"] {
        let Some(server) = ThirdParty::start(name) else {
            continue;
        };
        let port = server.port;
        assert!(listens(port), "{name} at {}", server.base_url);
        drop(server);
        assert!(!listens(port), "{name} at port {port}");
    }
}
