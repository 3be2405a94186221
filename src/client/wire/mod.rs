//! The Model Context Protocol without its transports: messages, what follows from an answer, and the
//! kept profile of a server. `mcp` sends them over HTTP, `stdio` over a program's standard streams.

pub mod missing_tools;
pub mod outcome;
pub mod profile;
pub mod request;
pub mod tool_server;

/// How often a call is repeated with the state that the server asks for.
pub const MAX_ROUNDS: u32 = 3;
