//! What every command starts from: its arguments, the configuration, the chosen job, the way out.

use std::path::PathBuf;

use secrecy::SecretString;

use super::arguments::GlobalArguments;
use super::failure::print_findings;
use super::output::Output;
use super::{Exit, Failure};
use crate::config::token::TokenError;
use crate::config::{self, Config, FILE_NAME, JobConfig, Loaded, TokenSource};
use crate::diagnostic::did_you_mean;

/// What every command starts from.
#[derive(Debug)]
pub struct Context {
    /// Where results and notes go.
    pub output: Output,
    global: GlobalArguments,
    folder: PathBuf,
}

impl Context {
    /// Errors: the present folder is gone or unreadable.
    pub fn new(global: GlobalArguments) -> Result<Self, Failure> {
        let folder = std::env::current_dir()
            .map_err(|error| Failure::new(Exit::Usage, "can not tell the present folder").because(&error))?;
        Ok(Self { output: Output::new(global.format, global.quiet), global, folder })
    }

    /// The arguments of every command, as they were given.
    pub fn global(&self) -> &GlobalArguments {
        &self.global
    }

    /// Whether more is asked for than the result.
    pub fn is_verbose(&self) -> bool {
        0 < self.global.verbose
    }

    /// The job that was named, if one was; [`Self::jobs`] says whether there is such a job.
    pub fn job_named(&self) -> Option<&str> {
        self.global.job.as_deref()
    }

    /// The value of an environment variable; `None` when it is not set or not Unicode.
    pub fn env(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// The configuration file: the one named, else the nearest one from the present folder upwards.
    pub fn config_file(&self) -> Result<PathBuf, Failure> {
        if let Some(file) = &self.global.config {
            return Ok(file.clone());
        }
        let found = config::find(&self.folder).ok_or_else(|| {
            let help = "name one with `-c FILE`, or write one with `scimulator init`";
            Failure::new(Exit::Usage, format!("there is no `{FILE_NAME}` here or in a folder above"))
                .help(help)
        })?;
        // Shown as the person would write it.
        Ok(found.strip_prefix(&self.folder).map(PathBuf::from).unwrap_or(found))
    }

    /// The bearer token in the environment variable of this name.
    ///
    /// Errors: it is not set, or holds no token.
    pub fn token(name: &str) -> Result<SecretString, Failure> {
        TokenSource::Env(name.to_owned()).resolve(&|name| Self::env(name)).map_err(|error| {
            if matches!(error, TokenError::EnvUnset(_)) {
                return Failure::new(Exit::Usage, error.to_string());
            }
            Failure::new(Exit::Usage, format!("the environment variable `{name}` holds no token"))
                .because(&error)
        })
    }

    /// The configuration, found right. What deserves a warning is printed on the way, unless notes are off.
    pub fn config(&self) -> Result<Config, Failure> {
        let (config, warnings) = self.load()?.map_err(|findings| Failure::findings(Exit::Usage, findings))?;
        if !self.global.quiet {
            print_findings(&warnings);
        }
        Ok(config)
    }

    /// The configuration with its warnings, or everything that is wrong with it.
    ///
    /// Errors: there is no file.
    pub fn load(&self) -> Result<Loaded, Failure> {
        Ok(config::load(&self.config_file()?))
    }

    /// The jobs to work on: the one that `--job` names, else all.
    pub fn jobs<'a>(&self, config: &'a Config) -> Result<Vec<&'a JobConfig>, Failure> {
        let Some(name) = &self.global.job else {
            return Ok(config.jobs.iter().collect());
        };
        if let Some(job) = config.jobs.iter().find(|job| job.name == *name) {
            return Ok(vec![job]);
        }
        let help = match did_you_mean(name, config.jobs.iter().map(|job| job.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", names(config)),
        };
        Err(Failure::new(Exit::Usage, format!("there is no job `{name}`")).help(help))
    }

    /// The one job to work on: the one that `--job` names, or the only one.
    pub fn job<'a>(&self, config: &'a Config) -> Result<&'a JobConfig, Failure> {
        match self.jobs(config)?.as_slice() {
            [job] => Ok(job),
            _ => Err(Failure::new(Exit::Usage, "there are several jobs")
                .help(format!("choose one with `--job NAME`: {}", names(config)))),
        }
    }
}

fn names(config: &Config) -> String {
    let names: Vec<&str> = config.jobs.iter().map(|job| job.name.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Format;

    fn choose(jobs: &[&str], named: Option<&str>) -> Result<String, Exit> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE_NAME);
        let jobs = jobs.iter().map(|name| format!("[[job]]\nname = '{name}'\ntenant_url = 'embedded'\n"));
        std::fs::write(&file, format!("[directory]\npath = 'd'\n{}", jobs.collect::<String>())).unwrap();
        let job = named.map(str::to_owned);
        let global =
            GlobalArguments { config: Some(file), job, format: Format::Text, quiet: true, verbose: 0 };
        let context = Context::new(global).unwrap();
        let config = context.config().unwrap();
        context.job(&config).map(|job| job.name.clone()).map_err(|failure| failure.exit())
    }

    #[test]
    fn a_job_needs_no_name_when_it_is_the_only_one() {
        assert_eq!(choose(&["a"], None), Ok("a".to_owned()));
        assert_eq!(choose(&["a"], Some("a")), Ok("a".to_owned()));
        assert_eq!(choose(&["a"], Some("b")), Err(Exit::Usage));
        assert_eq!(choose(&["a", "b"], None), Err(Exit::Usage));
        assert_eq!(choose(&["a", "b"], Some("b")), Ok("b".to_owned()));
    }
}
