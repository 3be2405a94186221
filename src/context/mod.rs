//! The text that the model reads: rendered from what the hooks found, as data, inside its budget.
//! Identical findings give identical bytes: no clock, no randomness, no counters.
