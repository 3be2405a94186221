//! The whole fallback policy as one table: strategy, state of the cache, class of failure.

use std::fmt::Write;
use std::time::Duration;

use warmstart::testing::{CacheView, Code, Failure, Freshness, STRATEGIES};

/// One code of every class of failure.
const CODES: [Code; 8] = [
    Code::ConfigValue,
    Code::TokenRefused,
    Code::Refused,
    Code::NotJson,
    Code::StoreUnusable,
    Code::PluginDied,
    Code::PluginUntrusted,
    Code::Internal,
];

/// A damaged entry is absent: see `d001_d002` beside the cache.
const STATES: [(&str, Freshness); 4] = [
    ("absent or damaged", Freshness::Absent),
    ("fresh", Freshness::Fresh),
    ("stale", Freshness::Stale),
    ("expired", Freshness::Expired),
];

#[test]
fn l09_b01_b05_the_policy_is_this_table() {
    let mut table = String::new();
    for builtin in STRATEGIES {
        for (state, freshness) in STATES {
            let view = CacheView { freshness, age: Some(Duration::from_secs(1)) };
            let before = builtin.strategy.before(&view);
            let after = |code| builtin.strategy.after(&Failure::new(code, "x"), &view);
            let first = after(CODES[0]);
            let same = CODES.iter().all(|code| after(*code) == first);
            assert!(same, "{} treats the classes alike", builtin.name);
            let (before, after) = (word(before.as_ref()), word(first.as_ref()));
            writeln!(table, "{:<23}{state:<18}{before:<19}{after}", builtin.name).unwrap();
        }
    }
    insta::assert_snapshot!(table.trim_end(), @r"
    cache_then_skip        absent or damaged -                  Skip
    cache_then_skip        fresh             -                  Cached
    cache_then_skip        stale             -                  Cached
    cache_then_skip        expired           -                  Skip
    cache_then_error       absent or damaged -                  Fail
    cache_then_error       fresh             -                  Cached
    cache_then_error       stale             -                  Cached
    cache_then_error       expired           -                  Fail
    skip                   absent or damaged -                  Skip
    skip                   fresh             -                  Skip
    skip                   stale             -                  Skip
    skip                   expired           -                  Skip
    stale_while_revalidate absent or damaged -                  -
    stale_while_revalidate fresh             CachedThenRefresh  Cached
    stale_while_revalidate stale             CachedThenRefresh  Cached
    stale_while_revalidate expired           -                  -
    ");
}

fn word<T: std::fmt::Debug>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:?}"))
}
