//! Hooks that panic or hang in every pass: given to the engine directly, which has to contain them.

use std::rc::Rc;
use std::time::{Duration, Instant};

use warmstart::testing::{
    Code, Deadline, Failure, Hook, HookFuture, HookResult, Part, Plan, PlannedHook, Report,
    SessionContext, execute,
};

use crate::support::plan::{loaded, plan_of};

/// The behaviour of a hook in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Find,
    Panic,
    Hang,
    /// Leaves it to the next pass.
    Pass,
}

struct Scripted {
    from_disk: Does,
    live: Does,
    from_cache_alone: Does,
}

fn found() -> HookResult {
    let parts = vec![Part::Text { title: "Whole".into(), text: "text".into() }];
    HookResult::live(parts, "")
}

impl Hook for Scripted {
    fn from_disk(&self, _: &SessionContext) -> Option<HookResult> {
        match self.from_disk {
            Does::Find => Some(found()),
            Does::Panic => panic!("from_disk"),
            Does::Hang | Does::Pass => None,
        }
    }

    fn live<'a>(&'a self, _: &'a SessionContext, _: Deadline) -> HookFuture<'a> {
        Box::pin(async {
            match self.live {
                Does::Panic => panic!("live"),
                Does::Hang => std::future::pending().await,
                Does::Find | Does::Pass => found(),
            }
        })
    }

    fn from_cache_alone(&self, _: &SessionContext, _: &Failure) -> Option<HookResult> {
        match self.from_cache_alone {
            Does::Find => Some(found()),
            Does::Panic => panic!("from_cache_alone"),
            Does::Hang | Does::Pass => None,
        }
    }
}

fn plan(hooks: Vec<Scripted>) -> Plan {
    let mut plan = plan_of(&loaded(None));
    let named = |(n, hook): (usize, Scripted)| PlannedHook {
        name: format!("hook_{n}"),
        kind: "scripted".into(),
        order: 0,
        timeout: Duration::from_secs(1),
        max_chars: 1000,
        hook: Ok(Rc::new(hook)),
    };
    plan.hooks = hooks.into_iter().enumerate().map(named).collect();
    plan
}

fn run(first: Scripted, provisional: impl FnOnce(Report)) -> Report {
    let well = |from_disk| Scripted { from_disk, live: Does::Find, from_cache_alone: Does::Find };
    let plan = plan(vec![first, well(Does::Find), well(Does::Pass)]);
    execute(&plan, Deadline::after(Duration::from_millis(300)), provisional)
}

#[test]
fn s014_a_hook_that_breaks_down_in_any_pass_leaves_the_others_whole() {
    let table = [
        (Does::Panic, Does::Find, Does::Find, Some(Code::Internal)),
        (Does::Pass, Does::Panic, Does::Find, Some(Code::Internal)),
        (Does::Pass, Does::Hang, Does::Find, None),
        (Does::Pass, Does::Hang, Does::Pass, Some(Code::Deadline)),
        (Does::Pass, Does::Hang, Does::Panic, Some(Code::Internal)),
        (Does::Pass, Does::Find, Does::Panic, None),
    ];
    for (from_disk, live, from_cache_alone, code) in table {
        let began = Instant::now();
        let report = run(Scripted { from_disk, live, from_cache_alone }, |_| {});
        let case = format!("{from_disk:?} {live:?} {from_cache_alone:?}");
        let failure = report.hooks[0].result.provenance.failure.as_ref();
        assert_eq!(failure.map(|failure| failure.code), code, "{case}");
        for other in &report.hooks[1..] {
            assert_eq!(other.result.parts, found().parts, "{case}");
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{case}");
    }
}

#[test]
fn s014_what_can_be_said_at_once_is_said_before_anything_is_waited_for() {
    let hangs = Scripted { from_disk: Does::Pass, live: Does::Hang, from_cache_alone: Does::Find };
    let mut early = None;
    run(hangs, |report| early = Some(report));
    let early = early.expect("a provisional report");
    assert!(early.hooks.iter().all(|hook| hook.result.parts == found().parts));
}
