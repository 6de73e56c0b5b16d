//! F75: what is JSON and what is not, after the kinds of cases of JSONTestSuite
//! (<https://github.com/nst/JSONTestSuite>), written down anew from RFC 8259.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{run, run_text};
use crate::{JsonArray, Ndjson};

/// Texts that every reader must accept, without a newline in them.
const VALID: &[&str] = &[
    "[]",
    "[ ]",
    "{}",
    " { } ",
    "\t[\t]\r",
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "10",
    "0.5",
    "-0.0",
    "1e1",
    "1E1",
    "1e+1",
    "1e-1",
    "1.5e10",
    "0e1",
    "1e-400",
    "123456789012345678901234567890",
    "\"\"",
    "\"a\"",
    "\" \"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0000\"",
    "\"\\u00e4\\u20ac\"",
    "\"\\ud83d\\ude00\"",
    "\"\u{7f}\"",
    "\"ä€😀\"",
    "\"\u{2028}\u{2029}\"",
    "\"\u{feff}\"",
    "\"\u{10ffff}\"",
    "\"//\"",
    "\"/*\"",
    "[1,[2,[3]]]",
    "[null]",
    "[\"a\",1,{}]",
    "{\"a\":1}",
    "{\"\":0}",
    "{\"a\":{\"b\":[]}}",
    "{\"\\u0061\":1}",
    "[ 1 , 2 ]",
    "{ \"a\" : 1 , \"b\" : 2 }",
    "{\"a\":1,\"a\":2}",
    "[\"\\uD834\\uDD1E\"]",
    "[-1.2345678901234567e+89]",
];

/// Texts that no reader may accept, without a newline in them.
const INVALID: &[&[u8]] = &[
    b"nul",
    b"True",
    b"TRUE",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"+1",
    b"01",
    b"-01",
    b"-",
    b"1.",
    b".5",
    b"1e",
    b"1e+",
    b"0x1",
    b"1_000",
    b"1 2",
    b"1,",
    b",",
    b":",
    b"[",
    b"]",
    b"{",
    b"}",
    b"[1",
    b"[1,",
    b"[1,]",
    b"[,1]",
    b"[1 2]",
    b"[1:2]",
    b"[1}",
    b"{1:2}",
    b"{a:1}",
    b"{'a':1}",
    b"{\"a\"}",
    b"{\"a\":}",
    b"{\"a\" 1}",
    b"{\"a\":1,}",
    b"{,}",
    b"{\"a\":1 \"b\":2}",
    b"{\"a\":1]",
    b"{\"a\",1}",
    b"[][]",
    b"{}x",
    b"\"",
    b"\"a",
    b"'a'",
    b"\"\\\"",
    b"\"\\x41\"",
    b"\"\\u12\"",
    b"\"\\u12g4\"",
    b"\"\\a\"",
    b"\"\t\"",
    b"\"\x00\"",
    b"\"\x1f\"",
    b"[1]//c",
    b"/*c*/1",
    b"# 1",
    b"undefined",
    b"\xEF\xBB\xBF1",
    b"\x00",
    b"\"\xff\"",
    b"\"\xc3\"",
    b"\"\xed\xa0\x80\"",
    b"\"\xf4\x90\x80\x80\"",
    b"\"\xc0\xaf\"",
    b"\"\\ud800\"",
    b"\"\\udc00\"",
    b"\"\\ud800\\u0041\"",
    b"\"\\ud800x\"",
    b"\xc2\xa01",
    b"\x0c1",
    b"1\x0b",
    b"<null>",
    b"[\"a\"",
    b"1e400",
    b"-1e400",
];

#[test]
fn what_is_valid_is_read_as_serde_json_reads_it() {
    for text in VALID {
        let expected: Value = serde_json::from_str(text).unwrap();
        // Behind another line, so that nothing is special about the first.
        let outcome = run_text(Ndjson::<Value>::new(), format!("0\n{text}\n"));
        assert!(outcome.error.is_none(), "{text}: {:?}", outcome.error);
        assert_eq!(outcome.outputs[1], expected, "{text}");
        let outcome = run_text(JsonArray::<Value>::new(), format!("[0,{text},1]"));
        assert_eq!(outcome.outputs, [json!(0), expected, json!(1)], "{text}");
    }
}

/// Shows F75.
#[test]
fn what_is_not_valid_is_refused() {
    for &text in INVALID {
        let line = [b"0\n", text, b"\n1\n"].concat();
        let outcome = run(Ndjson::<Value>::new(), [line.into()]);
        let (text, error) = (String::from_utf8_lossy(text), outcome.error);
        assert!(error.is_some_and(|error| error.is_corrupt()), "{text} as a line");
        assert_eq!(outcome.outputs, [0], "{text}");
    }
    for &text in INVALID {
        let array = [b"[0,", text, b"]"].concat();
        let outcome = run(JsonArray::<Value>::new(), [array.into()]);
        assert!(outcome.error.is_some(), "{} in an array", String::from_utf8_lossy(text));
    }
}

/// The same without a newline: what is open is cut short, what is wrong is wrong.
#[test]
fn at_the_end_of_the_input_what_is_open_is_cut_short() {
    for &text in INVALID {
        let error = run(Ndjson::<Value>::new(), [text.to_vec().into()]).error;
        let mark = text.starts_with(b"\xEF\xBB\xBF");
        assert_eq!(error.is_none(), mark, "a mark may stand there: {text:?}");
    }
    for open in [
        "nul", "-", "1.", "1e", "[", "{", "[1", "[1,", "{\"a\"", "{\"a\":", "\"", "\"a", "\"\\",
        "\"\\u12",
    ] {
        assert!(run_text(Ndjson::<Value>::new(), open).error.unwrap().is_truncated(), "{open}");
    }
    for wrong in ["01", "[1,]", "{a", "\"\\x", "1 2", "[}", "\"\t"] {
        assert!(run_text(Ndjson::<Value>::new(), wrong).error.unwrap().is_corrupt(), "{wrong}");
    }
}

/// What the documentation says about cases in which readers differ.
/// Shows F75.
#[test]
fn what_readers_differ_in_is_as_documented() {
    let values = run_text(Ndjson::<Value>::new(), "{\"a\":1,\"a\":2}\n-0\n1e-400\n").outputs;
    assert_eq!(values[0], json!({"a": 2}), "the last of two equal keys");
    assert!(values[1].as_f64().is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    assert_eq!(values[2], json!(0.0));
    assert!(run_text(Ndjson::<i32>::new(), "-0\n").error.unwrap().is_corrupt(), "not an integer");

    #[derive(Debug, Deserialize)]
    struct Once {
        #[expect(dead_code, reason = "only its name matters")]
        a: u8,
    }
    let twice = run_text(Ndjson::<Once>::new(), "{\"a\":1,\"a\":2}\n").error.unwrap();
    assert!(twice.to_string().starts_with("duplicate field `a`"));

    let text = run_text(Ndjson::<f64>::new(), "1e400\n").error.unwrap().to_string();
    assert!(text.starts_with("number out of range"), "{text}");
    let text = run_text(Ndjson::<String>::new(), "\"\\ud800\"\n").error.unwrap().to_string();
    assert!(text.contains("hex escape"), "{text}");
}
