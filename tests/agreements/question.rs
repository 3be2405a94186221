//! The question of `trust`: what is shown before it, and what other commands do while it is open.

use super::{FILE, add_script, runs_the_script, scripted, trust};
use crate::support::terminal::Dialog;
use crate::support::{Session, repository};

/// The screen and the exit code of a command whose question is answered with yes, after `meanwhile`.
fn agreeing(
    session: &Session,
    arguments: &[&str],
    meanwhile: impl FnOnce(),
) -> Option<(String, i32)> {
    let mut dialog = Dialog::start(session, arguments)?;
    dialog.wait_for("[y/N] ", 1);
    meanwhile();
    dialog.type_in("y\n");
    Some(dialog.end())
}

#[test]
fn mh_an_untrust_during_the_question_of_another_project_holds() {
    let session = scripted();
    trust(&session, &[]);
    let other = session.scratch().join("other");
    repository::plant(&other, "main");
    add_script(&other);
    let asked = agreeing(&session, &["trust", other.to_str().unwrap()], || {
        assert_eq!(session.run(&["untrust"]).code(), 0);
    });
    let Some((screen, code)) = asked else { return };
    assert_eq!(code, 0, "{screen}");
    assert!(!runs_the_script(&session));
}

#[test]
fn mh_an_untrust_during_the_question_of_the_same_project_holds() {
    let session = scripted();
    let asked = agreeing(&session, &["trust"], || {
        assert_eq!(session.run(&["untrust"]).code(), 0);
    });
    let Some((screen, code)) = asked else { return };
    assert_eq!(code, 7, "{screen}");
    assert!(screen.contains("while the question was open"), "{screen}");
    assert!(!runs_the_script(&session));
    trust(&session, &[]);
    assert!(runs_the_script(&session));
}

#[test]
fn m10_a_line_end_in_a_key_cannot_forge_a_line_of_the_question() {
    let text = "[hooks.\"a\\n  context.max_chars = 300\\r\"]\nkind = \"command\"\n\
                [hooks.\"b = 1 \\u2028\"]\nkind = \"notes\"\n\
                [context]\n\"x\\n! forged = 1\" = 1\n";
    let session = Session::new().project_file(FILE, text);
    let shown = session.run(&["trust", "--show"]);
    let lines: Vec<&str> = shown.text().lines().collect();
    assert!(!lines.iter().any(|line| line.contains("max_chars") && !line.starts_with('!')));
    assert!(!lines.iter().any(|line| line.starts_with("! forged")), "{shown:?}");
    for line in [
        r#"! hooks."a\n  context.max_chars = 300\r".kind = "command""#,
        r#"! hooks."b = 1 \u{2028}".kind = "notes""#,
        r#"? context."x\n! forged = 1" = 1"#,
    ] {
        assert!(lines.contains(&line), "no `{line}` in {shown:?}");
    }
    let checked = session.run(&["config", "check"]);
    assert!(!checked.stderr.lines().any(|line| line.starts_with("! forged")), "{checked:?}");
}

#[test]
fn m10_a_line_end_in_a_path_cannot_forge_a_line_of_the_question() {
    let session = Session::new();
    let project = session.scratch().join("x\n! forged = 1");
    repository::plant(&project, "main");
    add_script(&project);
    let library = session.scratch().join("y\nsha256: forged.so");
    std::fs::copy(env!("CARGO_BIN_EXE_warmstart"), &library).unwrap();
    for command in
        [&["trust", "--show"][..], &["trust", "--yes"], &["trust", "--show"], &["untrust"]]
    {
        let path = project.to_str().unwrap();
        let shown = session.run(&[command, &[path]].concat());
        assert_eq!(shown.code(), 0, "{shown:?}");
        assert!(shown.text().contains("x\\u{a}! forged = 1"), "{shown:?}");
        assert!(!shown.text().lines().any(|line| line.starts_with("! forged")), "{shown:?}");
    }
    let shown = session.run(&["plugin", "trust", library.to_str().unwrap(), "--name", "y"]);
    assert!(shown.text().contains("y\\u{a}sha256: forged.so"), "{shown:?}");
    assert!(!shown.text().lines().any(|line| line == "sha256: forged.so"), "{shown:?}");
}

#[test]
fn c11_what_is_agreed_to_is_shown_also_under_a_secrets_name() {
    let secret = "in-the-clear-0123456789abcdef";
    let text = format!(
        "[http.headers]\nAuthorization = {{ command = [\"./token.sh\", \"--all\"] }}\n\
         X-Key = {{ file = \"/home/joe/.key\" }}\nX-Plain = \"{secret}\"\n\
         [plugins.jira.config]\ntoken_command = \"./get-token\"\n\
         token_url = \"https://u:{secret}@tokens.example/x\"\napi_token = \"{secret}\"\n\
         [queries.tasks.arguments]\npassword_file = \"~/.password\"\n"
    );
    let session = Session::new().project_file(FILE, &text).guard(secret);
    let shown = session.run(&["trust", "--show"]);
    for text in [
        "[\"./token.sh\",\"--all\"]",
        "\"/home/joe/.key\"",
        "X-Plain = \"****\"",
        "token_command = \"./get-token\"",
        "tokens.example/x\"",
        "api_token = \"****\"",
        "password_file = \"~/.password\"",
    ] {
        assert!(shown.text().contains(text), "no `{text}` in {shown:?}");
    }
    assert!(shown.text().contains("can change later\nwithout a question"), "{shown:?}");
}
