//! The mails that jobs owe, delivered: each as a file of its own, and by a mail server where there is one.
//!
//! What is in a mail, and when one is due, is decided in [`crate::engine::notice`] and kept in the state together with
//! what it tells of. Whatever goes wrong here is logged and never fails a cycle; the mail stays due, unless a server has
//! refused it for good.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::client::Redactor;
use crate::clock::Timestamp;
use crate::config::{Config, Security, Smtp};
use crate::diagnostic::chain;
use crate::private;
use crate::store::{MailRow, Store, StoreError, private_folder};

/// The folder of the files, in the state's.
pub const FOLDER: &str = "mail";

/// How long a mail server is waited for, each time it has to say something: in wire time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers that are about the login and not about a mail (RFC 4954 6): another password mends them.
const LOGIN_REFUSALS: [u16; 4] = [530, 534, 535, 538];

/// Why a mail is not delivered. It stays due, unless the server refused it.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address, or a header, can't be written as mail has it.
    #[error("it can't be written as a mail")]
    Form(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file can't be written.
    #[error("can't write `{}`", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The password for the server can't be had.
    #[error("the password of the mail server can't be had: {0}")]
    Password(String),
    /// The server takes no mail of ours: it can't be asked, or does not let us in; why, without the password.
    #[error("the mail server `{server}` did not take it: {reason}")]
    Server {
        /// Host and port.
        server: String,
        /// What it said, or why it could not be asked.
        reason: String,
    },
    /// The server does not take this mail now, but may later (RFC 5321 4.2.1: 4yz).
    #[error("the mail server `{server}` did not take it yet: {reason}")]
    Deferred {
        /// Host and port.
        server: String,
        /// What it said.
        reason: String,
    },
    /// The server will never take this mail (RFC 5321 4.2.1: 5yz).
    #[error("the mail server `{server}` refused it: {reason}")]
    Refused {
        /// Host and port.
        server: String,
        /// What it said.
        reason: String,
    },
    /// The state can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Delivers what jobs owe.
#[derive(Debug, Clone)]
pub struct Postman {
    folder: PathBuf,
    from: String,
    server: Option<Server>,
}

/// A mail server, and the password for it or why it can't be had.
#[derive(Debug, Clone)]
struct Server {
    smtp: Smtp,
    login: Option<(String, Result<SecretString, String>)>,
}

impl Postman {
    /// Delivers as a configuration says; a password that can't be had is told when it is needed.
    pub fn new(config: &Config, environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let server = config.mail.smtp.as_ref().map(|smtp| Server {
            smtp: smtp.clone(),
            login: smtp.login.as_ref().map(|(name, password)| {
                (name.clone(), password.resolve(environment).map_err(|error| chain(&error)))
            }),
        });
        Self { folder: config.state_dir.join(FOLDER), from: config.mail.from.clone(), server }
    }

    /// Delivers what the job owes at job time `now`, the oldest first. One that can't be delivered keeps no other back,
    /// unless nobody's mail gets to the server.
    pub fn deliver(&self, store: &Store, job: &str, now: Timestamp) {
        if let Err(error) = self.deliver_all(store, job, now) {
            failed(job, &error, "");
        }
    }

    fn deliver_all(&self, store: &Store, job: &str, now: Timestamp) -> Result<(), MailError> {
        let mut written = Vec::new();
        // Files first: what a server does is no reason not to have them.
        for mail in store.owed_mails(job)? {
            match self.write(job, &mail) {
                Ok(message) => written.push((mail.id, message)),
                Err(error) => failed(job, &error, ""),
            }
        }
        for (id, message) in written {
            match self.server.as_ref().map_or(Ok(()), |server| server.send(&message)) {
                Ok(()) => {}
                Err(error @ MailError::Refused { .. }) => failed(job, &error, "; it is not tried again"),
                Err(error @ MailError::Deferred { .. }) => {
                    failed(job, &error, "");
                    continue;
                }
                Err(error) => return Err(error),
            }
            store.mail_settled(id, now)?;
        }
        Ok(())
    }

    fn write(&self, job: &str, mail: &MailRow) -> Result<Message, MailError> {
        let message = message(&self.from, job, mail)?;
        let path = self.folder.join(format!("{:06}-{job}-{}.eml", mail.id, mail.occasion));
        private_folder(&self.folder)
            .and_then(|()| private::write(&path, &message.formatted()))
            .map_err(|error| MailError::File(path, error))?;
        Ok(message)
    }
}

fn failed(job: &str, error: &MailError, outlook: &str) {
    let why = chain(error);
    tracing::warn!(
        event = "mail_failed",
        job,
        reason = %why,
        "a mail of job `{job}` is not delivered: {why}{outlook}"
    );
}

impl Server {
    fn send(&self, message: &Message) -> Result<(), MailError> {
        let Self { smtp, login } = self;
        let mut secrets = Redactor::new([]);
        let credentials = match login {
            Some((name, Ok(password))) => {
                secrets = Redactor::new(spoken(name, password));
                Some(Credentials::new(name.clone(), password.expose_secret().to_owned()))
            }
            Some((_, Err(reason))) => return Err(MailError::Password(reason.clone())),
            None => None,
        };
        let failed = |error: lettre::transport::smtp::Error, is_let_in: bool| {
            let server = format!("{}:{}", smtp.host, smtp.port);
            let reason = secrets.redact(&chain(&error)).into_owned();
            let is_about_login = error.status().is_some_and(|code| LOGIN_REFUSALS.contains(&code.into()));
            if !is_let_in || is_about_login {
                MailError::Server { server, reason }
            } else if error.is_permanent() {
                MailError::Refused { server, reason }
            } else if error.is_transient() {
                MailError::Deferred { server, reason }
            } else {
                MailError::Server { server, reason }
            }
        };
        let parameters = || TlsParameters::new(smtp.host.clone()).map_err(|error| failed(error, false));
        let tls = match smtp.security {
            Security::Starttls => Tls::Required(parameters()?),
            Security::Tls => Tls::Wrapper(parameters()?),
            Security::None => Tls::None,
        };
        let mut transport =
            SmtpTransport::builder_dangerous(&smtp.host).port(smtp.port).timeout(Some(PATIENCE)).tls(tls);
        if let Some(credentials) = credentials {
            transport = transport.credentials(credentials);
        }
        let transport = transport.build();
        transport.send(message).map(|_| ()).map_err(|error| {
            // A greeting may refuse too, and with the same codes; that says nothing of this mail.
            let is_let_in = matches!(transport.test_connection(), Ok(true));
            failed(error, is_let_in)
        })
    }
}

/// A password as it is, and as the ways to log in encode it (RFC 4616, `LOGIN`): servers may echo a command.
fn spoken(name: &str, password: &SecretString) -> [SecretString; 3] {
    let plain = STANDARD.encode(format!("\0{name}\0{}", password.expose_secret()));
    let login = STANDARD.encode(password.expose_secret());
    [password.clone(), SecretString::from(plain), SecretString::from(login)]
}

/// The mail as RFC 5322 has it. Its id follows from what it is, so that one that is sent twice is known as one.
fn message(from: &str, job: &str, mail: &MailRow) -> Result<Message, MailError> {
    let address = |text: &str| text.parse::<Mailbox>().map_err(|error| MailError::Form(Box::new(error)));
    Message::builder()
        .from(address(from)?)
        .to(address(&mail.recipient)?)
        .subject(mail.subject.as_str())
        .date(mail.at.into())
        .message_id(Some(format!("<{}.{job}.{}@scimulator.invalid>", mail.id, mail.at.as_microsecond())))
        .header(lettre::message::header::ContentType::TEXT_PLAIN)
        .body(mail.body.clone())
        .map_err(|error| MailError::Form(Box::new(error)))
}
