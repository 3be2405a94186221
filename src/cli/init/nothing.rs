//! What `init` does where there are no tasks yet: it offers a checklist, which needs no configuration.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::cli::prompt;
use crate::cli::terminal::{self, CommandResult};
use crate::error::{Code, Failure};

const FILE: &str = "TODO.md";
const TEXT: &str = "# To do\n\n- [ ] Replace this line by your first task\n";

const ADVICE: &str = "
No task server and no task file was found that can be used.
A session can begin with
  - a checklist in the project: TODO.md, with lines like `- [ ] title`
  - a task server: set MCP_SERVER_URL, then run `warmstart init` again
`warmstart demo` shows in a minute what it is for.
";

const LINE: &str = "
This line makes a checklist:
  echo '- [ ] Replace this line by your first task' > TODO.md
";

/// Offers a checklist at `root`; it is written only after a yes at the terminal.
///
/// # Errors
/// When it cannot be written.
pub fn offer(root: &Path, is_silent: bool) -> CommandResult {
    terminal::print(ADVICE);
    if is_silent {
        terminal::print(LINE);
        return Ok(ExitCode::from(1));
    }
    if !prompt::yes_or_no("\nWrite a TODO.md with a first line?") {
        terminal::print(LINE);
        return Ok(ExitCode::from(1));
    }
    let path = root.join(FILE);
    write_new(&path).map_err(|error| {
        Failure::new(Code::StoreUnusable, format!("cannot write `{}`: {error}", path.display()))
    })?;
    terminal::print("Wrote TODO.md. `warmstart tasks` shows it.\n");
    Ok(ExitCode::SUCCESS)
}

/// Never over a file or link that is there.
fn write_new(path: &Path) -> io::Result<()> {
    std::fs::File::create_new(path)?.write_all(TEXT.as_bytes())
}
