//! Edits of the texts that users have, for every shape.

use super::*;
use crate::install::placement::HostName;

const PROGRAM: &str = "/opt/bin/warmstart";

fn entry(host: HostName) -> Entry<'static> {
    Entry { placement: Placement::of(host), program: PROGRAM, timeout: None }
}

/// What `edit` makes of `text` for Claude Code.
fn edited(text: &str) -> Edited {
    edit(text, &entry(HostName::Claude)).expect("it can be edited")
}

#[track_caller]
fn refused(text: &str, at: (usize, usize)) -> String {
    let refusal = edit(text, &entry(HostName::Claude)).expect_err("it cannot be edited");
    assert_eq!(refusal.at, Some(at), "{refusal}");
    refusal.message
}

#[test]
fn a_new_file_has_the_form_of_its_host() {
    let text = |host| edit("", &entry(host)).unwrap().text;
    let grouped = |timeout: &str| {
        format!(
            "{{\n  \"hooks\": {{\n    \"SessionStart\": [\n      {{\n        \"hooks\": [\n          {{\n            \
             \"type\": \"command\",\n            \"command\": \"/opt/bin/warmstart session-start\",\n            \
             \"timeout\": {timeout}\n          }}\n        ]\n      }}\n    ]\n  }}\n}}\n"
        )
    };
    for host in [HostName::Claude, HostName::Codex, HostName::Qwen] {
        assert_eq!(text(host), grouped("10"));
    }
    assert_eq!(text(HostName::Gemini), grouped("10000"), "milliseconds");
    assert_eq!(
        text(HostName::Copilot),
        "{\n  \"version\": 1,\n  \"hooks\": {\n    \"sessionStart\": [\n      {\n        \"type\": \"command\",\n        \
         \"exec\": \"/opt/bin/warmstart\",\n        \"args\": [\"session-start\", \"--agent\", \"copilot\"],\n        \
         \"timeoutSec\": 10\n      }\n    ]\n  }\n}\n"
    );
}

/// Texts with the places at which ours is added; the rest keeps its bytes.
const ONE_LINE: &str =
    r#"{"type":"command","command":"/opt/bin/warmstart session-start","timeout":10}"#;

#[test]
fn only_the_entry_is_added() {
    let group = format!(r#"{{"hooks":[{ONE_LINE}]}}"#);
    let table = [
        (r#"{"a":1}"#, format!(r#"{{"a":1,"hooks":{{"SessionStart":[{group}]}}}}"#)),
        (r#"{"hooks":{}}"#, format!(r#"{{"hooks":{{"SessionStart":[{group}]}}}}"#)),
        (r#"{"hooks":{"SessionStart":[]}}"#, format!(r#"{{"hooks":{{"SessionStart":[{group}]}}}}"#)),
        (
            r#"{"hooks":{"SessionStart":[{"hooks":[]}],"Stop":[]}}"#,
            format!(r#"{{"hooks":{{"SessionStart":[{{"hooks":[]}},{group}],"Stop":[]}}}}"#),
        ),
        // Blanks after a comma as they are after a colon.
        (
            r#"{"a": [1, 2]}"#,
            r#"{"a": [1, 2], "hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "/opt/bin/warmstart session-start", "timeout": 10}]}]}}"#.to_owned(),
        ),
    ];
    for (text, expected) in table {
        assert_eq!(edited(text).text, expected, "{text}");
    }
}

/// Files of users: every byte outside the entry is kept, and removing it gives the file back.
const FILES: [&str; 12] = [
    "{}",
    "{}\n",
    "{ }",
    "{\n}\n",
    "{\n\t\"model\": \"x\"\n}",
    "{\r\n    \"a\": 1,\r\n    \"b\": {}\r\n}\r\n",
    "\u{feff}{\"a\":1}\n",
    "{\n  \"hooks\": {\n    \"Stop\": [ { \"hooks\": [ {\"type\":\"command\",\"command\":\"x\"} ] } ]\n  },\n  \"z\": null\n}\n",
    "{\n   \"hooks\" : { \"SessionStart\" : [\n {\"matcher\": \"startup\",\n  \"hooks\": [{\"command\": \"bd prime\"}]\n }\n] } }",
    "{\"é\": \"\\u00e9 \\\" } ] \",   \"n\": -1.50e+3,\n\n\n  \"t\":[true,false , null]}",
    "{\n  \"hooks\": {\n    \"SessionStart\": [\n      {\n        \"hooks\": []\n      }\n    ]\n  }\n}\n",
    "{ \"hooks\": {\"SessionStart\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"other\"}]}, 5, \"x\"]} }\n",
];

#[test]
fn every_byte_outside_the_entry_is_kept_and_removing_gives_the_file_back() {
    for host in
        [HostName::Claude, HostName::Codex, HostName::Copilot, HostName::Gemini, HostName::Qwen]
    {
        for text in FILES {
            let added = edit(text, &entry(host)).unwrap();
            assert_eq!(added.change, Change::Added, "{text}");
            let value = |text: &str| {
                serde_json::from_str::<serde_json::Value>(text.trim_start_matches('\u{feff}'))
            };
            assert!(value(&added.text).is_ok(), "{}", added.text);
            assert_eq!(registrations(&added.text, entry(host).placement).unwrap().len(), 1);
            assert_eq!(
                edit(&added.text, &entry(host)).unwrap().change,
                Change::None,
                "twice is once"
            );
            let removed = remove(&added.text, entry(host).placement, &added.made).unwrap();
            // The blanks inside of an empty object are not known again.
            let is_same = removed == text
                || value(text).unwrap() == serde_json::json!({})
                    && value(&removed).unwrap() == serde_json::json!({});
            assert!(is_same, "{host:?}\n{text}\n{removed}");
            if text.contains("\r\n") {
                assert_eq!(added.text.matches('\n').count(), added.text.matches("\r\n").count());
            }
        }
    }
}

#[test]
fn an_entry_of_another_path_or_form_is_repaired_in_place() {
    let file = |handler: &str| {
        format!(
            r#"{{"hooks":{{"SessionStart":[{{"matcher":"startup","hooks":[{handler},{{"command":"x"}}]}}]}}}}"#
        )
    };
    let table = [
        (
            r#"{"type":"command","command":"/old/warmstart session-start","timeout":5}"#,
            r#"{"type":"command","command":"/opt/bin/warmstart session-start","timeout":5}"#,
        ),
        (
            r#"{"type":"command","command":"warmstart","args":["session-start"],"timeout":10}"#,
            ONE_LINE,
        ),
        (r#"{"type":"command","command":"warmstart","timeout":10}"#, ONE_LINE),
        (
            r#"{"type":"command","command":"'/a b/warmstart' session-start --agent claude","timeout":10000}"#,
            r#"{"type":"command","command":"/opt/bin/warmstart session-start --agent claude","timeout":10}"#,
        ),
        (
            r#"{"command":"/opt/bin/warmstart session-start","statusMessage":"tasks"}"#,
            r#"{"command":"/opt/bin/warmstart session-start","statusMessage":"tasks","type":"command","timeout":10}"#,
        ),
    ];
    for (old, new) in table {
        let edited = edited(&file(old));
        assert_eq!((edited.text, edited.change), (file(new), Change::Repaired), "{old}");
    }
    let timed = Entry { timeout: Some(3), ..entry(HostName::Gemini) };
    let text = edit(&file(ONE_LINE), &timed).unwrap().text;
    assert!(text.contains(r#""timeout":3000"#), "{text}");
    let moved = r#"{"version":1,"hooks":{"sessionStart":[{"type":"command","bash":"/old/warmstart session-start"}]}}"#;
    let repaired = edit(moved, &entry(HostName::Copilot)).unwrap();
    assert_eq!(
        repaired.text,
        r#"{"version":1,"hooks":{"sessionStart":[{"type":"command","exec":"/opt/bin/warmstart","args":["session-start","--agent","copilot"],"timeoutSec":10}]}}"#
    );
}

#[test]
fn what_cannot_be_edited_is_refused_with_its_place() {
    refused("{\n  \"a\": 1,\n}\n", (3, 1));
    refused("{\n  // comment\n}", (2, 3));
    refused("{\"a\": ", (1, 6));
    refused("[]", (1, 1));
    refused("{\n \"hooks\": []\n}", (2, 11));
    refused("{\"hooks\": {\"SessionStart\": {}}}", (1, 28));
    assert!(refused("{\"hooks\": {},\n \"hooks\": {}}", (2, 2)).contains("twice"));
    assert!(refused(&("[".repeat(200) + &"]".repeat(200)), (1, 128)).contains("recursion"));
    let twice = format!(
        "{{\"hooks\": {{\"SessionStart\": [\n{{\"hooks\": [{ONE_LINE}]}},\n{{\"hooks\": [{ONE_LINE}]}}]}}}}"
    );
    assert!(refused(&twice, (3, 1)).contains("lines 2 and 3"));
    let wrapped = "{\"hooks\":{\"SessionStart\":[{\"hooks\":[{\"command\":\"warmstart session-start || true\"}]}]}}";
    assert!(refused(wrapped, (1, 1)).contains("of yours"));
    assert_eq!(remove(wrapped, entry(HostName::Claude).placement, &[]).unwrap(), wrapped);
}

#[test]
fn removing_keeps_other_hooks_of_the_group_and_keys_that_were_not_made() {
    let placement = entry(HostName::Claude).placement;
    let other = r#"{"command":"x"}"#;
    let file =
        |handlers: &str| format!(r#"{{"hooks":{{"SessionStart":[{{"hooks":[{handlers}]}}]}}}}"#);
    for handlers in [format!("{other},{ONE_LINE}"), format!("{ONE_LINE},{other}")] {
        assert_eq!(remove(&file(&handlers), placement, &[]).unwrap(), file(other));
    }
    let alone = file(ONE_LINE);
    assert_eq!(remove(&alone, placement, &[]).unwrap(), r#"{"hooks":{"SessionStart":[]}}"#);
    assert_eq!(remove(&alone, placement, &["SessionStart".into()]).unwrap(), r#"{"hooks":{}}"#);
    let made = ["hooks".into(), "SessionStart".into()];
    assert_eq!(remove(&alone, placement, &made).unwrap(), "{}");
}
