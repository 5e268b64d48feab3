//! The arguments of `schema`.

use std::path::PathBuf;

use clap::Subcommand;

/// What to do with the job's schema.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Write the mappings and filters that the job runs.
    #[command(
        after_help = "Examples:\n  scimulator schema export\n  scimulator schema export schema.json --job staging"
    )]
    Export {
        /// The file to write, replaced when it is there; `-` is standard output.
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
    },
    /// Run these mappings and filters from the next cycle on.
    #[command(after_help = "Examples:\n  scimulator schema import schema.json\n  \
                            scimulator schema export | scimulator schema import -")]
    Import {
        /// The file to read; `-` is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Drop what was imported: the profile and filters of the configuration hold again.
    #[command(after_help = "Examples:\n  scimulator schema reset\n  scimulator schema reset --job staging")]
    Reset,
}
