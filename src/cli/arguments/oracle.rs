//! Arguments of `drift` and `clean`.

use clap::Args;

/// Arguments of `drift`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator drift\n  scimulator drift --format json\n  scimulator drift --strict\n\n\
                  Writes nothing to the target, and compares with the directory as the last cycle saw it. Ends with 1 when\n\
                  something is missing, orphaned or drifted by the app's fault, with 70 when it is ours; what Entra leaves\n\
                  by rule counts with --strict alone."
)]
pub struct DriftArguments {
    /// Let what Entra leaves by rule count as well.
    #[arg(long)]
    pub strict: bool,
}

/// Arguments of `clean`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator clean\n  scimulator clean --yes\n\n\
                  Without --yes it shows what it would remove. Accounts that were there before and were matched stay.\n\
                  Afterwards the job is paused; `start` begins with a full read.")]
pub struct CleanArguments {
    /// Remove it.
    #[arg(long)]
    pub yes: bool,
}
