//! One row of the matrix: a cache in some state, a chain, a fault, and the required outcome.

use std::time::{Duration, Instant};

use crate::support::{Act, FaultServer, Outcome, Request, Session, mcp_reply};

/// The state of the cache before the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    Empty,
    Stale,
    TooOld,
}

/// The outcome of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// The tasks, from the server in this run.
    Live,
    /// The cached tasks, labelled, and a notice with the code.
    Stale,
    /// No tasks, and a notice with the code.
    Without,
    /// Exit 1 with only a notice.
    Failed,
}

/// See the module.
pub struct Row {
    pub before: Before,
    pub chain: &'static str,
    pub out: Out,
    /// What the notice and the record must name; empty: nothing.
    pub code: &'static str,
    pub deadline: &'static str,
    /// Further variables.
    pub variables: Vec<(&'static str, String)>,
}

/// For a session start that must use the stale entry: short, since most faults use up the deadline.
pub const SHORT: &str = "2s";
/// For one that must succeed, however busy the machine is.
pub const LONG: &str = "15s";
const AGE: Duration = Duration::from_secs(20 * 60);
const TOO_OLD: Duration = Duration::from_secs(2 * 3600);

impl Row {
    /// A stale entry in the cache and the default chain: shown, labelled stale.
    pub fn stale(code: &'static str) -> Self {
        Row {
            before: Before::Stale,
            chain: "cache_then_skip",
            out: Out::Stale,
            code,
            deadline: SHORT,
            variables: Vec::new(),
        }
    }

    /// Nothing in the cache, and the answer arrives.
    pub fn live() -> Self {
        Row { before: Before::Empty, out: Out::Live, deadline: LONG, ..Row::stale("") }
    }

    /// Nothing in the cache, and no answer.
    pub fn without(code: &'static str) -> Self {
        Row { before: Before::Empty, out: Out::Without, ..Row::stale(code) }
    }

    pub fn chain(self, chain: &'static str) -> Self {
        Row { chain, ..self }
    }

    pub fn before(self, before: Before) -> Self {
        Row { before, ..self }
    }

    pub fn out(self, out: Out) -> Self {
        Row { out, ..self }
    }

    pub fn deadline(self, deadline: &'static str) -> Self {
        Row { deadline, ..self }
    }

    pub fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// The session of this row against `url`, its cache filled by `server` as a healthy one.
    pub fn session(&self, url: &str, server: Option<&FaultServer>) -> Session {
        let mut session = Session::with_server(url)
            .env("WARMSTART_CACHE__READ", "network_first")
            .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false");
        for (name, value) in &self.variables {
            session.set(name, value.clone());
        }
        if self.before != Before::Empty {
            let server = server.expect("a full cache needs a server");
            server.becomes(mcp_reply::healthy);
            session.set("WARMSTART_SESSION_START__DEADLINE", LONG);
            let primed = session.start("startup");
            assert!(primed.context().contains("Mend the roof"), "not primed: {primed:?}");
            session.settle();
            server.forget();
        }
        match self.before {
            Before::Empty => {}
            Before::Stale => session.age_cache(AGE),
            Before::TooOld => session.age_cache(TOO_OLD),
        }
        session.set("WARMSTART_SESSION_START__DEADLINE", self.deadline);
        session.set("FALLBACK_STRATEGY", self.chain);
        session
    }

    /// Runs the row against a server that does `fault`.
    pub fn check(&self, fault: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static) {
        self.check_seen(fault);
    }

    /// The same; returns the server, for what it has seen.
    pub fn check_seen(
        &self,
        fault: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
    ) -> (FaultServer, Session, Outcome) {
        let server = FaultServer::start(mcp_reply::healthy);
        let session = self.session(&server.mcp(), Some(&server));
        server.becomes(fault);
        let outcome = self.run(&session);
        (server, session, outcome)
    }

    /// One session start, judged.
    pub fn run(&self, session: &Session) -> Outcome {
        let cached = session.cached_bytes();
        let began = Instant::now();
        let outcome = session.start("startup");
        self.judge(session, &outcome);
        if self.out != Out::Live {
            assert_eq!(session.cached_bytes(), cached, "a fault changed the cache");
        }
        let limit = if self.deadline == LONG { 15_000 } else { 2_000 };
        assert!(began.elapsed() < Duration::from_millis(limit + 1500), "{outcome:?}");
        outcome
    }

    fn judge(&self, session: &Session, outcome: &Outcome) {
        if self.out == Out::Failed {
            assert_eq!(outcome.code(), 1, "{outcome:?}");
            let answer = outcome.json();
            let message = answer["systemMessage"].as_str().expect("a message");
            assert!(message.contains(self.code), "{message}");
            assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1), "{answer}");
            return;
        }
        let (context, notice) = (outcome.context(), outcome.notice());
        let has_tasks = context.contains("Mend the roof");
        let record = session.last("pending_tasks");
        let supply = match self.out {
            Out::Live => "live",
            Out::Stale => "stale",
            Out::Without | Out::Failed => "none",
        };
        assert_eq!(record.supply, supply, "{record:?} {outcome:?}");
        assert_eq!(has_tasks, matches!(self.out, Out::Live | Out::Stale), "{outcome:?}");
        assert_eq!(context.contains("STALE"), self.out == Out::Stale, "{context}");
        assert!(record.cause.contains(self.code), "{record:?} {outcome:?}");
        match self.out {
            Out::Live => assert_eq!(notice, "", "{outcome:?}"),
            _ => assert!(notice.contains(self.code), "{outcome:?}"),
        }
    }
}
