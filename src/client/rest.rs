//! (to be written)
use super::{Builtin, Client, Setup};
use crate::error::Failure;
pub static BUILTIN: Builtin = Builtin { name: "rest", summary: "to be written", build };
fn build(_: Setup) -> Result<Box<dyn Client>, Failure> {
    Err(Failure::new(crate::error::Code::INTERNAL, "to be written"))
}
