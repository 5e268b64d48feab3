//! The fidelity ledger's test; its name makes it the last test target to run.
