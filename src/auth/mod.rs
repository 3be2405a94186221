//! The bearer token of a client: stored, or asked for once for all processes.
//! Knows identity servers and the token store; nothing of the task server's protocol.
