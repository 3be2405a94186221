//! `warmstart explain`: what an error code means, why it happens, and what to do.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::terminal::{self, CommandResult, Usage};
use crate::error::{Code, CodeInfo, TABLE};

/// Flags of `explain`.
#[derive(Args)]
pub struct Options {
    /// The code, like WS302; without one, the list of all codes
    code: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the row of one code, or the list.
///
/// # Errors
/// When there is no such code.
pub fn run(options: &Options) -> CommandResult {
    let infos: Vec<&CodeInfo> = match &options.code {
        None => TABLE.iter().collect(),
        Some(text) => {
            let code = Code::from_text(text).ok_or_else(|| {
                Usage::new(format!("there is no code `{text}`"))
                    .hint("`warmstart explain` lists all codes")
            })?;
            vec![code.info()]
        }
    };
    let text = match (options.json, infos.as_slice()) {
        (true, infos) => as_json(infos),
        (false, [info]) => page(info),
        (false, infos) => {
            infos.iter().map(|info| format!("{}  {}\n", info.code, info.title)).collect()
        }
    };
    terminal::print(&text);
    Ok(ExitCode::SUCCESS)
}

fn page(info: &CodeInfo) -> String {
    let list =
        |items: &[&str]| items.iter().map(|item| format!("  - {item}\n")).collect::<String>();
    format!(
        "{} {}\n\ncauses:\n{}\nwhat to do:\n{}\nexit code of commands: {}\n",
        info.code,
        info.title,
        list(info.causes),
        list(info.cures),
        info.class.exit_code(),
    )
}

fn as_json(infos: &[&CodeInfo]) -> String {
    let codes = infos.iter().map(|info| {
        json!({
            "code": info.code.to_string(),
            "title": info.title,
            "class": info.class.word(),
            "causes": info.causes,
            "cures": info.cures,
            "exit_code": info.class.exit_code(),
        })
    });
    let all = json!({ "schema": 1, "codes": codes.collect::<Vec<_>>() });
    format!("{all:#}\n")
}
