//! (to be written)
use super::{Builtin, Hook};
use crate::config::{Config, HookConfig};
use crate::error::Failure;
pub static BUILTIN: Builtin = Builtin { name: "notes", summary: "to be written", build };
fn build(_: &HookConfig, _: &Config) -> Result<Box<dyn Hook>, Failure> {
    Err(Failure::new(crate::error::Code::INTERNAL, "to be written"))
}
