//! Runs the tests that are in the parts of `logserver` and `logload`.
#![expect(dead_code, reason = "the programs are elsewhere; here are their parts")]

mod args;
mod demo;
mod inode;
mod intake;
#[path = "../logload/latency.rs"]
mod latency;
mod lines;
mod log;
mod patience;
mod peer;
mod place;
mod record;
mod server;
mod stats;
mod store;
mod text;
mod view;
mod watch;
mod web;
