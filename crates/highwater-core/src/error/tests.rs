use std::error::Error as StdError;
use std::io;

use super::{Context, Error, ErrorKind, Result};

fn parse() -> Result<u32> {
    Ok("x".parse::<u32>()?)
}

#[test]
fn a_foreign_error_is_shown_in_place_and_only_once() {
    let error = parse().unwrap_err().in_stage("try_map").at_chunk(7);
    assert_eq!(error.to_string(), "invalid digit found in string (in try_map, chunk 7)");
    assert!(error.source().is_none());
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
}

#[test]
fn a_context_moves_what_was_said_into_the_cause() {
    let error = Error::from(io::Error::from(io::ErrorKind::NotFound)).context("cannot open `a`");
    assert_eq!(error.to_string(), "cannot open `a`");
    assert_eq!(error.source().expect("the io error").to_string(), "entity not found");
    let twice = error.context("cannot start");
    let before = twice.source().expect("the first context");
    assert_eq!(before.to_string(), "cannot open `a`");
    assert_eq!(before.source().expect("the io error").to_string(), "entity not found");
    assert_eq!(twice.io_kind(), Some(io::ErrorKind::NotFound));
    assert!(twice.is_io());
}

#[test]
fn the_first_position_and_stage_stay() {
    let error = Error::corrupt("bad").in_stage("inner").at_offset(3).at_line(2);
    let error = error.in_stage("outer").at_offset(9).at_line(8).attribute("outer", Some(1));
    assert_eq!(
        (error.stage(), error.offset(), error.line(), error.chunk()),
        (Some("inner"), Some(3), Some(2), None)
    );
    assert_eq!(error.to_string(), "bad (in inner, line 2, byte 3)");
}

#[test]
fn changing_a_clone_leaves_the_other_alone() {
    let error = Error::aborted();
    let other = error.clone().in_stage("a");
    assert_eq!((error.stage(), other.stage()), (None, Some("a")));
}

#[test]
fn an_io_error_round_trips_whole() {
    let there = io::Error::from(Error::truncated("short").at_offset(5));
    assert_eq!(there.kind(), io::ErrorKind::UnexpectedEof);
    let back = Error::from(there);
    assert!(back.is_truncated());
    assert_eq!(back.offset(), Some(5));
}

#[test]
fn a_boxed_error_round_trips_whole() {
    let there = Box::<dyn StdError + Send + Sync>::from(Error::truncated("short").at_offset(5));
    let back = Error::from_boxed(there);
    assert!(back.is_truncated());
    assert_eq!((back.offset(), back.to_string().as_str()), (Some(5), "short (byte 5)"));
}

#[test]
fn a_real_error_is_never_hidden_by_a_close() {
    let real = Error::corrupt("real");
    let report = Error::premature_close().or_later(real.clone());
    assert!(report.is_corrupt() && report.suppressed()[0].is_premature_close());
    let report = real.or_later(Error::aborted());
    assert!(report.is_corrupt() && report.suppressed()[0].is_aborted());
    let report = Error::msg("first").or_later(Error::msg("second"));
    assert_eq!(report.to_string(), "first");
}

#[test]
fn goes_out_into_boxes() {
    fn boxed() -> std::result::Result<(), Box<dyn StdError + Send + Sync>> {
        Err(Error::aborted().in_stage("x"))?
    }
    assert_eq!(boxed().unwrap_err().to_string(), "aborted (in x)");
    let again = Error::from_boxed(boxed().unwrap_err());
    assert_eq!(again.to_string(), "aborted (in x)");
}

#[test]
fn a_panic_keeps_its_text() {
    let payload = std::panic::catch_unwind(|| panic!("no {}", "luck")).unwrap_err();
    let error = Error::panic(&*payload);
    assert!(error.is_panic());
    assert_eq!(error.to_string(), "panicked: no luck");
}

#[test]
fn debug_prints_the_causes_and_the_later_errors() {
    let cause = io::Error::from(io::ErrorKind::NotFound);
    let error = Error::from(cause).context("cannot open `a`").in_stage("fs::read");
    let error = error.suppress(Error::msg("cannot close").context("cannot abort"));
    assert_eq!(format!("{error:#}"), "cannot open `a` (in fs::read): entity not found");
    let lines = "cannot open `a` (in fs::read)\n\nCaused by:\n    entity not found\n\n\
                 Later errors:\n    cannot abort: cannot close";
    assert_eq!(format!("{error:?}"), lines);
    assert_eq!(format!("{:?}", error.clone().into_std()), lines);
    assert!(format!("{error:#?}").starts_with("Error {\n    kind: Io,"));
}

#[test]
fn a_standard_error_comes_back_whole() {
    fn generic<E: StdError + Send + Sync + 'static>(error: E) -> Error {
        Error::from(error)
    }
    let back = generic(Error::corrupt("bad").at_line(3).into_std());
    assert_eq!((back.kind(), back.line()), (ErrorKind::Corrupt, Some(3)));
}

#[test]
fn a_context_is_put_in_front_of_the_error_of_a_result() {
    let failed: std::result::Result<u32, _> = "x".parse::<u32>();
    let error = failed.clone().context("no number").unwrap_err();
    assert_eq!(format!("{error:#}"), "no number: invalid digit found in string");
    let error = failed.with_context(|| format!("line {}", 3)).context("cannot start").unwrap_err();
    assert_eq!(format!("{error:#}"), "cannot start: line 3: invalid digit found in string");
    assert_eq!("1".parse::<u32>().context("no number").unwrap(), 1);
}
