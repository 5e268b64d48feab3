//! The wish to stop: a signal expresses it, and what takes long looks whether it is there.

use std::io;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

/// Whether somebody wishes that a run stops before its end. Clones are of one wish; once asked, it stays.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// Asks to stop.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody has asked.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        // The sender is alive as long as `self` is, so there is no other way for the wait to end.
        self.0.subscribe().wait_for(|asked| *asked).await.ok();
    }
}

/// Hears the names of the signals that ask to stop on a thread of its own, as they come, until the process ends.
///
/// # Errors
/// Signals can't be listened to, or there is no thread for it.
pub fn listen(mut heard: impl FnMut(&'static str) + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Before the thread runs: from here on no signal ends the process.
    let mut signals = {
        let _within = runtime.enter();
        signals()?
    };
    let listening = move || {
        runtime.block_on(async {
            while let Some(name) = signals.recv().await {
                heard(name);
            }
        });
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listening)?;
    Ok(())
}

/// The names of the signals that ask to stop, as they come: SIGINT and SIGTERM, or Ctrl-C elsewhere. To be called within
/// a runtime.
///
/// # Errors
/// They can't be listened to.
#[cfg(unix)]
pub fn signals() -> io::Result<mpsc::UnboundedReceiver<&'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = mpsc::unbounded_channel();
    for (name, kind) in [("SIGINT", SignalKind::interrupt()), ("SIGTERM", SignalKind::terminate())] {
        let mut signal = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move { while signal.recv().await.is_some() && sender.send(name).is_ok() {} });
    }
    Ok(receiver)
}

/// The names of the signals that ask to stop, as they come.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub fn signals() -> io::Result<mpsc::UnboundedReceiver<&'static str>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(
        async move { while tokio::signal::ctrl_c().await.is_ok() && sender.send("Ctrl-C").is_ok() {} },
    );
    Ok(receiver)
}
