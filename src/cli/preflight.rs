//! `preflight`: Microsoft's gallery validation and SCIM Validator by their names, against any endpoint.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::arguments::{PreflightArguments, SuiteChoice};
use super::context::Context;
use super::output::Output;
use super::session::{endpoint, stop_on_signals};
use super::{Exit, Failure, report_files};
use crate::clock::{Clock as _, SystemClock};
use crate::config::tenant_url;
use crate::diagnostic::did_you_mean;
use crate::preflight::report::{line, to_html, to_json, to_junit, to_text};
use crate::preflight::{
    self, Attributes, ClientCredentials, Federation, Options, PreflightError, Suite, TESTS, Test,
    TokenIssuer, Told, WireError, list,
};
use crate::stop::Stop;

pub(super) fn run(context: &Context, arguments: &PreflightArguments) -> Result<Exit, Failure> {
    let output = context.output;
    let files = [("--junit", arguments.junit.as_ref()), ("--html", arguments.html.as_ref())];
    report_files::check(&files, &[])?;
    let options = Options { stop: stop_on_signals(output)?, ..options(output, arguments)? };
    let mut failed = None;
    let bar = output.progress("pre-flight", u64::try_from(options.tests.len()).unwrap_or(u64::MAX));
    let told = &mut |told: Told<'_>| match told {
        Told::Begins(what) => {
            if context.is_verbose() {
                bar.suspend(|| output.note(&format!("{what} …")));
            }
            bar.set_message(what.to_owned());
        }
        Told::Over(tested) => {
            let is_asked = tested.skipped.is_none_or(|(word, _)| word != "deselected");
            if is_asked
                && !output.is_json()
                && let Err(failure) = bar.suspend(|| output.text(&line(tested)))
            {
                failed.get_or_insert(failure);
            }
            bar.inc(u64::from(is_asked));
        }
    };
    let report = preflight::run(&options, told).map_err(|error| {
        if options.stop.is_asked() {
            return Failure::new(Exit::Interrupted, "it was stopped before the first test");
        }
        failure(error)
    })?;
    bar.finish_and_clear();
    if let Some(file) = &arguments.junit {
        report_files::write(file, &to_junit(&report))?;
    }
    if let Some(file) = &arguments.html {
        report_files::write(
            file,
            &to_html(&report, &SystemClock.now().strftime("%Y-%m-%d %H:%M UTC").to_string()),
        )?;
    }
    if output.is_json() {
        output.json(&to_json(&report))?;
    } else {
        output.text(&to_text(&report))?;
    }
    match failed {
        Some(failure) => Err(failure),
        None if options.stop.is_asked() => Ok(Exit::Interrupted),
        None => Ok(if report.is_fine() { Exit::Fine } else { Exit::Failed }),
    }
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
}

fn options(output: Output, arguments: &PreflightArguments) -> Result<Options, Failure> {
    let danger = "the tests make, change and delete users and groups there";
    let url = endpoint(output, &arguments.url, arguments.allow_remote, danger)?;
    let seed = arguments.seed.unwrap_or_else(|| SystemClock.now().as_millisecond().unsigned_abs());
    Ok(Options {
        url,
        tenant_url: arguments.url.clone(),
        allow_remote: arguments.allow_remote,
        token: arguments.token_env.as_deref().map(Context::token).transpose()?,
        tests: tests(arguments)?,
        attributes: attributes(&arguments.attributes)?,
        groups: !arguments.no_groups,
        verbose: arguments.verbose_patch,
        domain: domain(&arguments.domain)?,
        seed,
        retries: arguments.retries,
        credentials: credentials(arguments)?,
        federation: federation(arguments)?,
        throughput: arguments.test.is_empty(),
        stop: Stop::default(),
    })
}

/// The domain of userPrincipalNames, which go into filters and addresses as they are.
fn domain(text: &str) -> Result<String, Failure> {
    let is_label = |label: &str| {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    if text.split('.').all(is_label) {
        return Ok(text.to_owned());
    }
    Err(usage(format!("`--domain`: `{text}` is no domain")).help(
        "write letters, digits, `-` and dots, for example `test.contoso.com`; other letters as `xn--…`",
    ))
}

fn variable(name: &str) -> Result<SecretString, Failure> {
    let value = Context::env(name).map(SecretString::from);
    value.ok_or_else(|| usage(format!("the environment variable `{name}` is not set")))
}

fn tests(arguments: &PreflightArguments) -> Result<Vec<&'static Test>, Failure> {
    if !arguments.test.is_empty() {
        let named = |text: &String| {
            list::named(text).ok_or_else(|| {
                let failure = usage(format!("no test has the number or name `{text}`"));
                match did_you_mean(text, TESTS.iter().flat_map(|test| [test.id, test.name])) {
                    Some(near) => failure.help(format!("did you mean `{near}`?")),
                    None => failure.help("numbers are A1 to A25, B1 to B25 and P1 to P7"),
                }
            })
        };
        return arguments.test.iter().map(named).collect();
    }
    let is_chosen = |test: &&Test| match arguments.suite {
        SuiteChoice::Gallery => test.suite() == Suite::Gallery,
        SuiteChoice::Validator => test.suite() == Suite::Validator,
        SuiteChoice::All => true,
    };
    Ok(TESTS.iter().filter(is_chosen).collect())
}

fn attributes(source: &str) -> Result<Attributes, Failure> {
    match source {
        "default" => Ok(Attributes::Default),
        "discover" => Ok(Attributes::Discovered),
        file => {
            let unreadable = || format!("can not read the schema `{file}`");
            let text = std::fs::read_to_string(file).map_err(|error| usage(unreadable()).because(&error))?;
            let schema: serde_json::Value =
                serde_json::from_str(&text).map_err(|error| usage(unreadable()).because(&error))?;
            let attributes = Attributes::of_file(&schema);
            if attributes == Attributes::Listed(BTreeSet::new()) {
                let help = "it is Entra's synchronizationSchema, as the portal and `scimulator schema export` write it";
                return Err(usage(format!("the schema `{file}` names no attributes")).help(help));
            }
            Ok(attributes)
        }
    }
}

fn credentials(arguments: &PreflightArguments) -> Result<Option<ClientCredentials>, Failure> {
    let (Some(endpoint), Some(id), Some(secret)) =
        (&arguments.token_endpoint, &arguments.client_id, &arguments.client_secret_env)
    else {
        return Ok(None);
    };
    let endpoint = tenant_url::token_endpoint(endpoint, arguments.allow_remote)
        .map_err(|error| usage(format!("the token endpoint: {error}")))?;
    Ok(Some(ClientCredentials {
        token_endpoint: endpoint.to_string(),
        id: id.clone(),
        secret: variable(secret)?,
        scope: arguments.oauth_scope.clone(),
    }))
}

fn federation(arguments: &PreflightArguments) -> Result<Option<Federation>, Failure> {
    let (Some(endpoint), Some(client_id), Some(application_id), Some(tenant_id)) = (
        &arguments.federated_token_endpoint,
        &arguments.federated_client_id,
        &arguments.federated_application_id,
        &arguments.federated_tenant_id,
    ) else {
        return Ok(None);
    };
    let endpoint = tenant_url::token_endpoint(endpoint, arguments.allow_remote)
        .map_err(|error| usage(format!("the federated token endpoint: {error}")))?;
    let issuer = match (&arguments.federated_secret_env, &arguments.federated_issuer) {
        (Some(name), _) => TokenIssuer::Entra {
            token_endpoint: format!("https://login.microsoftonline.com/{tenant_id}/oauth2/v2.0/token"),
            secret: variable(name)?,
        },
        (None, Some(folder)) => {
            let failed = |error: std::io::Error| {
                usage(format!("can not make the folder `{}`", folder.display())).because(&error)
            };
            std::fs::create_dir_all(folder).map_err(failed)?;
            TokenIssuer::StandIn {
                folder: folder.clone(),
                tenant_id: tenant_id.clone(),
                principal_id: arguments.federated_principal_id.as_ref().unwrap_or(application_id).clone(),
            }
        }
        (None, None) => {
            return Err(usage("nobody issues the token that is exchanged".to_owned()).help(
                "add `--federated-secret-env NAME` for Entra, or `--federated-issuer FOLDER` for a stand-in",
            ));
        }
    };
    Ok(Some(Federation {
        token_endpoint: endpoint.to_string(),
        client_id: client_id.clone(),
        application_id: application_id.clone(),
        base_address: arguments.federated_base_address.clone(),
        issuer,
    }))
}

fn failure(error: PreflightError) -> Failure {
    let exit = match &error {
        PreflightError::Wire(WireError::Unreachable(_) | WireError::Refused(_)) => Exit::Target,
        PreflightError::Token(_)
        | PreflightError::Issuer { .. }
        | PreflightError::Folder(_)
        | PreflightError::Wire(_) => Exit::Usage,
        PreflightError::Config(_) | PreflightError::Run(_) | PreflightError::Play(_) => Exit::Defect,
    };
    let failure = Failure::new(exit, error.to_string());
    if matches!(error, PreflightError::Wire(WireError::Refused(_))) {
        return failure.help("name the environment variable with the bearer token: `--token-env NAME`");
    }
    if let PreflightError::Config(findings) = error {
        return Failure::findings(Exit::Usage, findings);
    }
    match std::error::Error::source(&error) {
        Some(cause) => failure.because(cause),
        None => failure,
    }
}
