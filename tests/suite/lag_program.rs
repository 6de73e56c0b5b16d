//! The program `lag`, run as its users run it.

use crate::support::program;

/// The milliseconds of a line in front of these words.
fn millis(line: &str, what: &str) -> f64 {
    let words: Vec<_> = line.split_whitespace().collect();
    let at = words.windows(3).position(|three| three[1] == "ms" && line.contains(what));
    let before = line.split(what).next().unwrap().trim_end().trim_end_matches(" ms");
    assert!(at.is_some(), "{line}");
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

/// A timer waits for work on the runtime, for an item of it at the least, so that it is late by more than a timer alone is.
#[test]
fn it_shows_the_lag_of_three() {
    let output = program("lag").args(["--seconds", "1", "--limit", "1000000"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let [nothing, on_it, off_it] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    for (line, name) in [(nothing, "nothing to do"), (on_it, "on the runtime"), (off_it, "off it")]
    {
        assert!(line.starts_with(name), "{line}");
        let (median, p99) = (millis(line, "at the median"), millis(line, "at the 99th percentile"));
        assert!(median <= p99 && p99 <= millis(line, "at worst"), "{line}");
    }
    assert!(nothing.ends_with("; 0 items"), "{nothing}");
    for line in [on_it, off_it] {
        let items: u64 = line.rsplit(' ').nth(1).unwrap().parse().unwrap();
        assert!(items > 0, "{line}");
    }
    assert!(millis(on_it, "at worst") > 2.0, "{on_it}");
}

#[test]
fn a_wrong_command_line() {
    for wrong in [["--seconds", "0"], ["--limit", "1"]] {
        assert_eq!(program("lag").args(wrong).output().unwrap().status.code(), Some(2));
    }
    assert!(program("lag").arg("--help").output().unwrap().status.success());
}
