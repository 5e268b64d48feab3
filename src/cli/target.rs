//! `target`: the embedded SCIM app alone, over a socket.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use super::arguments::TargetArguments;
use super::context::Context;
use super::{Exit, Failure};
use crate::clock::SystemClock;
use crate::diagnostic::did_you_mean;
use crate::gallery;
use crate::target::{App, AppOptions, AppRules, FaultyApp, TokenEndpoint, Trusted, serve};

mod faults;

pub(super) fn run(context: &Context, arguments: &TargetArguments) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("can't serve on port {}", arguments.port))
            .because(&error)
            .help("choose another port with `--port`, or 0 for any free one")
    };
    let base_path = format!("/{}", arguments.base_path.trim_matches('/'));
    let base_path = base_path.trim_end_matches('/').to_owned();
    let options = AppOptions {
        base_path: base_path.clone(),
        token: arguments.token.clone(),
        token_endpoint: token_endpoint(arguments)?,
        rules: arguments.app.as_deref().map(rules).transpose()?.flatten().map(Arc::new),
        ..AppOptions::default()
    };
    let takes_everything = options.rules.is_none();
    let faults = arguments.faults.iter().map(|text| faults::read(text)).collect::<Result<Vec<_>, _>>()?;
    let app = App::new(options);
    let has_console = app.console_shown().is_some();
    let mut app = FaultyApp::new(app, arguments.seed);
    for rule in faults {
        app.break_it(rule);
    }
    let app = Arc::new(Mutex::new(app));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        context.output.text(&format!("http://{address}{base_path}"))?;
        context.output.note("an empty SCIM app, in memory only; stop it with Ctrl-C");
        if takes_everything && arguments.app.is_some() {
            context.output.note("its profile has no table `[app]`: it takes whatever SCIM has");
        }
        for fault in &arguments.faults {
            context.output.note(&format!("its fault: {fault}"));
        }
        if has_console {
            context.output.note(&format!("its console is at http://{address}/console"));
        }
        let stop = async {
            // Without a signal handler the process simply ends at the signal.
            tokio::signal::ctrl_c().await.ok();
        };
        serve(app, Arc::new(SystemClock), listener, |_| {}, stop).await.map_err(failed)?;
        Ok(Exit::Fine)
    })
}

/// The app's token endpoint, where it has one.
fn token_endpoint(arguments: &TargetArguments) -> Result<Option<TokenEndpoint>, Failure> {
    let Some(client_id) = &arguments.client_id else { return Ok(None) };
    let client_secret = match &arguments.client_secret_env {
        Some(name) => Some(Context::env(name).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("the environment variable `{name}` is not set"))
        })?),
        None => None,
    };
    let trusted = match (&arguments.trust, &arguments.trust_audience) {
        (Some(file), Some(audience)) => {
            let failed = || format!("nobody can be trusted by `{}`", file.display());
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::new(Exit::Usage, failed()).because(&error))?;
            let set: serde_json::Value = serde_json::from_str(&text)
                .map_err(|error| Failure::new(Exit::Usage, failed()).because(&error))?;
            let trusted = Trusted::by_key_set(&set, audience);
            Some(trusted.map_err(|error| Failure::new(Exit::Usage, failed()).because(&error))?)
        }
        _ => None,
    };
    if client_secret.is_none() && trusted.is_none() {
        let message = format!("the client `{client_id}` has nothing to show that it is itself");
        let help = "name the variable with its secret with `--client-secret-env`, or whose assertions are taken with \
                    `--trust` and `--trust-audience`";
        return Err(Failure::new(Exit::Usage, message).help(help));
    }
    Ok(Some(TokenEndpoint { client_id: client_id.clone(), client_secret, trusted }))
}

/// What an app of that name takes, or one of a profile in a file; `None` for one that takes everything.
fn rules(app: &str) -> Result<Option<AppRules>, Failure> {
    let text = match gallery::source(app) {
        Some(text) => text.to_owned(),
        None => std::fs::read_to_string(app).map_err(|error| {
            let help = match did_you_mean(app, gallery::names()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!(
                    "name the file of a profile, or one of {}",
                    gallery::names().collect::<Vec<_>>().join(", ")
                ),
            };
            Failure::new(Exit::Usage, format!("there is no app `{app}`, and no such file"))
                .because(&error)
                .help(help)
        })?,
    };
    AppRules::read(&text)
        .map_err(|error| Failure::new(Exit::Usage, format!("`{app}` can't be played")).because(&error))
}
