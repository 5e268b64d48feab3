//! What the service tells the manager that started it, by the `sd_notify` protocol of systemd: when it is ready, that it
//! is alive, that it stops. Without such a manager, or elsewhere than on Unix, nothing is told.

use std::time::Duration;

use crate::runner::Environment;

/// The manager that started the service, if one did.
#[derive(Debug, Default)]
pub struct Host {
    socket: Option<Socket>,
    /// How often it wants to hear that the service is alive.
    alive_every: Option<Duration>,
}

impl Host {
    /// Nobody to tell.
    pub fn none() -> Self {
        Self::default()
    }

    /// The manager that these variables name: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, and `WATCHDOG_PID`, which has to be
    /// this process where it is set. What can't be used is as good as absent: a service runs without being watched.
    pub fn from_environment(environment: Environment<'_>) -> Self {
        let Some(socket) = environment("NOTIFY_SOCKET").and_then(|name| Socket::new(&name)) else {
            return Self::none();
        };
        let pid = environment("WATCHDOG_PID");
        let is_ours = pid.is_none_or(|pid| pid == std::process::id().to_string());
        let microseconds = environment("WATCHDOG_USEC").and_then(|text| text.parse().ok());
        let patience = microseconds.filter(|patience| is_ours && 0 < *patience).map(Duration::from_micros);
        // Twice as often as the manager looks, as its manual asks.
        Self { socket: Some(socket), alive_every: patience.map(|patience| patience / 2) }
    }

    /// How often [`Self::alive`] is to be told; `None`: never.
    pub fn alive_every(&self) -> Option<Duration> {
        self.alive_every
    }

    /// Every job is looked after.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The service is not stuck.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// No further cycle begins.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(what)
        {
            tracing::warn!(%error, "the service manager can't be told `{what}`");
        }
    }
}

/// A socket of the manager.
#[cfg(unix)]
#[derive(Debug)]
struct Socket {
    ours: std::os::unix::net::UnixDatagram,
    theirs: std::os::unix::net::SocketAddr,
}

#[cfg(unix)]
impl Socket {
    /// A path, or `@` and a name of Linux's abstract namespace.
    fn new(name: &str) -> Option<Self> {
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let theirs = match name.strip_prefix('@') {
            #[cfg(target_os = "linux")]
            Some(name) => SocketAddr::from_abstract_name(name).ok()?,
            #[cfg(not(target_os = "linux"))]
            Some(_) => return None,
            None => SocketAddr::from_pathname(name).ok()?,
        };
        Some(Self { ours: UnixDatagram::unbound().ok()?, theirs })
    }

    fn send(&self, what: &str) -> std::io::Result<()> {
        self.ours.send_to_addr(what.as_bytes(), &self.theirs).map(drop)
    }
}

/// There is no such thing here.
#[cfg(not(unix))]
#[derive(Debug)]
enum Socket {}

#[cfg(not(unix))]
impl Socket {
    fn new(_name: &str) -> Option<Self> {
        None
    }

    fn send(&self, _what: &str) -> std::io::Result<()> {
        match *self {}
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn alive_every(variables: &[(&str, &str)]) -> Option<Duration> {
        let value =
            |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        Host::from_environment(&value).alive_every()
    }

    #[test]
    fn a_watchdog_is_fed_when_there_is_one_and_it_is_meant_for_us() {
        let ours = std::process::id().to_string();
        let (socket, patience) = (("NOTIFY_SOCKET", "/no/such/socket"), ("WATCHDOG_USEC", "3000000"));
        let every = Some(Duration::from_millis(1500));
        assert_eq!(alive_every(&[socket, patience]), every);
        assert_eq!(alive_every(&[socket, patience, ("WATCHDOG_PID", &ours)]), every);
        assert_eq!(alive_every(&[socket, patience, ("WATCHDOG_PID", "1")]), None, "it is for the parent");
        assert_eq!(alive_every(&[patience]), None, "nobody listens");
        for odd in ["", "0", "-1", "soon"] {
            assert_eq!(alive_every(&[socket, ("WATCHDOG_USEC", odd)]), None, "`{odd}`");
        }
    }
}
