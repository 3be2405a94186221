//! The fault matrix: every way a server, an identity server, the disk, the input or a setting can
//! go wrong, and what the session still gets. Names carry the row's ID.

mod authorisation;
mod body;
mod row;
mod status;
mod transport;
