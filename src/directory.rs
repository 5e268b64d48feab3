//! The source directory: readers of its files, its objects, its snapshot and change log, the recycle bin.

pub mod generate;
pub mod import;
pub mod object;
pub mod read;
