//! `target`: the embedded SCIM app alone, over a socket.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use super::arguments::TargetArguments;
use super::context::Context;
use super::{Exit, Failure};
use crate::clock::SystemClock;
use crate::target::{App, AppOptions, serve};

pub(super) fn run(context: &Context, arguments: &TargetArguments) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("can't serve on port {}", arguments.port))
            .because(&error)
            .help("choose another port with `--port`, or 0 for any free one")
    };
    let base_path = format!("/{}", arguments.base_path.trim_matches('/'));
    let base_path = base_path.trim_end_matches('/').to_owned();
    let options =
        AppOptions { base_path: base_path.clone(), token: arguments.token.clone(), ..AppOptions::default() };
    let app = Arc::new(Mutex::new(App::new(options)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        context.output.text(&format!("http://{address}{base_path}"))?;
        context.output.note("an empty SCIM app, in memory only; stop it with Ctrl-C");
        let stop = async {
            // Without a signal handler the process simply ends at the signal.
            tokio::signal::ctrl_c().await.ok();
        };
        serve(app, Arc::new(SystemClock), listener, |_| {}, stop).await.map_err(failed)?;
        Ok(Exit::Fine)
    })
}
