//! The daily log file: opened at the first line, one write a line, redacted, pruned elsewhere.
