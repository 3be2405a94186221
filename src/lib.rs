//! The modules of `warmstart`; no code of its own. Layers: see CONTRIBUTING.md.
