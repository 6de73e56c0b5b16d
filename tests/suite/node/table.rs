//! docs/SEMANTICS.md lists every rule, and names tests that exist.

use std::collections::BTreeSet;

use crate::reliability::{all_tests, document};

#[test]
fn every_rule_has_a_verdict_and_tests_that_exist() {
    let (all, mut named) = (all_tests(), BTreeSet::new());
    let mut ids = Vec::new();
    for row in document("SEMANTICS.md").lines().filter(|line| line.starts_with("| N")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, rule, verdict, by] = cells[..] else { panic!("{row}") };
        let applies = !verdict.starts_with("does not apply: ");
        let known = verdict
            .split(':')
            .next()
            .is_some_and(|kind| ["same", "differs on purpose", "does not apply"].contains(&kind));
        assert!(known && !rule.is_empty(), "{row}");
        let tests: Vec<&str> = by.split('`').skip(1).step_by(2).collect();
        assert_eq!(applies, !tests.is_empty(), "{id}: what applies is shown, what does not is not");
        for test in tests {
            assert!(all.contains_key(test), "{id}: there is no test {test}");
            named.insert(test.to_owned());
        }
        ids.push(id.to_owned());
    }
    let expected: Vec<String> = (1..=168).map(|n| format!("N{n}")).collect();
    assert_eq!(ids, expected, "every rule, once, in order");
    // A test of this folder is called after its rule.
    let is_rule = |name: &&String| {
        let digits =
            name.strip_prefix('n').unwrap_or_default().split('_').next().unwrap_or_default();
        digits.len() == 3 && digits.bytes().all(|digit| digit.is_ascii_digit())
    };
    let unnamed: Vec<&String> =
        all.keys().filter(is_rule).filter(|name| !named.contains(*name)).collect();
    assert!(unnamed.is_empty(), "in no row: {unnamed:?}");
}
