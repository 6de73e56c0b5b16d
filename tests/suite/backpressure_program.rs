//! The program `backpressure`, run as its users run it.

use crate::support::program;

/// One chunk may be thousands of times the high-water mark.
#[test]
fn the_plot_stays_narrow_whatever_the_marks_are() {
    let marks = [["--high", "1", "--low", "0"], ["--high", "1000000", "--low", "1"]];
    for mark in marks {
        let sizes = ["--total", "65536", "--chunk", "16384", "--speed", "1000000"];
        let output = program("backpressure").args(sizes).args(mark).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(text.contains("waited for drain"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}
