//! The address of the endpoint: the configured URL, or the same with the other form of its trailing slash
//! where the server answers only there.

use std::cell::Cell;

use crate::secret::SafeUrl;

pub struct Endpoint {
    configured: SafeUrl,
    other_slash: Cell<bool>,
    /// Whether the other form was tried in this process.
    is_tried: Cell<bool>,
}

impl Endpoint {
    pub fn new(configured: SafeUrl) -> Self {
        Endpoint { configured, other_slash: Cell::new(false), is_tried: Cell::new(false) }
    }

    /// The address in use.
    pub fn address(&self) -> SafeUrl {
        if self.other_slash.get() { self.other() } else { self.configured.clone() }
    }

    /// Whether the address in use is not the configured one.
    pub fn has_other_slash(&self) -> bool {
        self.other_slash.get()
    }

    /// Uses the form that was remembered.
    pub fn remembered(&self, other_slash: bool) {
        if !self.is_tried.get() {
            self.other_slash.set(other_slash);
        }
    }

    /// Uses the other form from now on; `false` if that was done before.
    pub fn try_other(&self) -> bool {
        if self.is_tried.replace(true) {
            return false;
        }
        self.swap();
        true
    }

    /// Uses the form that is not in use.
    pub fn swap(&self) {
        self.other_slash.set(!self.other_slash.get());
    }

    fn other(&self) -> SafeUrl {
        let mut url = self.configured.url().clone();
        let path = match url.path().strip_suffix('/') {
            Some(without) => without.to_owned(),
            None => format!("{}/", url.path()),
        };
        url.set_path(&path);
        url.into()
    }
}
