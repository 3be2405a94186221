//! The profile of a server, kept for the next runs: its era, a legacy session, the headers that a tool
//! requires. Losing it costs requests, never a wrong answer.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::request::Session;
use crate::deadline::Timestamp;
use crate::digest;
use crate::disk::{self, Durability};
use crate::paths::Paths;

const MAX_FILE_BYTES: u64 = 64 << 10;
/// The profile with a longer session id is not kept: a server that sends one gets a handshake each time.
const MAX_SESSION_BYTES: usize = 1024;
/// The era of a server is found out again after a day.
const ERA_TTL_SECONDS: u64 = 86_400;
/// Servers forget an idle session after 30 minutes.
const SESSION_TTL_SECONDS: u64 = 25 * 60;

/// The profile of one endpoint for one identity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerProfile {
    /// Whether it requires a handshake.
    pub legacy: bool,
    /// The protocol version of the handshake.
    #[serde(default)]
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// When it was last confirmed.
    pub seen: i64,
    /// Whether its path is the configured one with the other form of the trailing slash.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_slash: bool,
    /// Tool, header and argument of every header that mirrors an argument.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrored: Vec<(String, String, String)>,
}

impl ServerProfile {
    /// The session to continue: a kept one, or one without an id where the server keeps none.
    #[must_use]
    pub fn session(&self, now: Timestamp) -> Option<Session> {
        let age = Timestamp(self.seen).age(now)?.as_secs();
        let usable = self.legacy && (self.session.is_none() || age < SESSION_TTL_SECONDS);
        usable.then(|| Session { version: self.version.clone(), id: self.session.clone() })
    }

    /// The headers that `tool` requires: header and argument.
    #[must_use]
    pub fn mirrored(&self, tool: &str) -> Vec<(String, String)> {
        let of_tool = self.mirrored.iter().filter(|(name, ..)| name == tool);
        of_tool.map(|(_, header, argument)| (header.clone(), argument.clone())).collect()
    }
}

/// The file of one endpoint and identity.
pub struct WireCache {
    path: Option<PathBuf>,
}

impl WireCache {
    /// The file; without paths nothing is remembered.
    #[must_use]
    pub fn new(paths: Option<&Paths>, endpoint: &str, identity: &str) -> Self {
        let name = digest::short(format!("{endpoint}\0{identity}"));
        WireCache { path: paths.map(|paths| paths.state.join("wire").join(format!("{name}.json"))) }
    }

    /// The kept profile, if it is not too old. A damaged file counts as absent.
    #[must_use]
    pub fn read(&self) -> Option<ServerProfile> {
        let bytes = disk::read_private(self.path.as_deref()?, MAX_FILE_BYTES).ok().flatten()?;
        let profile: ServerProfile = serde_json::from_slice(&bytes).ok()?;
        let age = Timestamp(profile.seen).age(Timestamp::now())?;
        (age.as_secs() < ERA_TTL_SECONDS).then_some(profile)
    }

    /// Keeps the profile; written only after a tool's result has arrived, and only when it changed or
    /// has a session whose time must be renewed.
    pub fn write(&self, profile: &ServerProfile, before: Option<&ServerProfile>) {
        let Some(path) = &self.path else { return };
        if profile.session.as_ref().is_some_and(|id| id.len() > MAX_SESSION_BYTES) {
            return;
        }
        let same = before.is_some_and(|before| {
            ServerProfile { seen: before.seen, ..profile.clone() } == *before
        });
        if same && profile.session.is_none() {
            return;
        }
        if let Ok(bytes) = serde_json::to_vec(profile) {
            let _ = disk::write_atomic(path, &bytes, Durability::Process);
        }
    }

    /// Removes a profile that is no longer valid.
    pub fn forget(&self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}
