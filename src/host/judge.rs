//! Whether a host takes an answer: the rules by which each one drops it.

use serde_json::{Map, Value};

use super::{Agent, Answer};

impl Agent {
    /// The characters of context that the host gives to the session for this standard output.
    ///
    /// # Errors
    /// Why the host drops the answer.
    pub fn delivered(self, output: &[u8]) -> Result<usize, String> {
        let text = std::str::from_utf8(output).map_err(|_| "the output is not UTF-8".to_owned())?;
        let key = match self.host().answer {
            Answer::Text => return Ok(text.trim_end().chars().count()),
            Answer::Nested => "hookSpecificOutput",
            Answer::TopLevel(key) => key,
        };
        let object: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| format!("the output is not a JSON object: {error}"))?;
        let is_known = |name: &String| name == key || name == "systemMessage";
        if let Some(name) = object.keys().find(|name| !is_known(name)) {
            return Err(format!("the answer has the key `{name}`, which the host does not take"));
        }
        let Some(value) = object.get(key) else { return Ok(0) };
        let text = match self.host().answer {
            Answer::Nested if value["hookEventName"] != "SessionStart" => None,
            Answer::Nested => value["additionalContext"].as_str(),
            _ => value.as_str(),
        };
        let text = text.ok_or_else(|| format!("`{key}` has not the form that the host takes"))?;
        Ok(text.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_takes_its_own_answer_and_drops_others() {
        let own = |agent: Agent| agent.delivered(&agent.encode("abc", None));
        let all = [Agent::Claude, Agent::Codex, Agent::Gemini, Agent::Qwen, Agent::Copilot];
        for agent in all {
            assert_eq!(own(agent), Ok(3), "{agent:?}");
            assert_eq!(agent.delivered(b"{}\n"), Ok(0), "{agent:?}");
            assert!(agent.delivered(b"").is_err() && agent.delivered(b"help").is_err());
        }
        let (nested, top) = (Agent::Claude.encode("a", None), Agent::Copilot.encode("a", None));
        assert!(Agent::Copilot.delivered(&nested).is_err(), "dropped silently by the host");
        assert!(Agent::Codex.delivered(&top).is_err(), "refused as a whole by the host");
        let unnamed = br#"{"hookSpecificOutput":{"additionalContext":"a"}}"#;
        assert!(Agent::Claude.delivered(unnamed).is_err());
    }
}
