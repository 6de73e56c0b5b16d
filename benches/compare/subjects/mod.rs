//! The subjects: one file each, with a table of its contestants.

mod p10_hash;
mod p11_cpu;
mod p12_waits;
mod p13_batches;
mod p14_rate_limit;
mod p15_ndjson;
mod p17_idle;
mod p18_proxy;
mod p19_lateness;
mod p1_read;
mod p21_csv;
mod p22_text;
mod p23_merge;
mod p24_progress;
mod p2_copy;
mod p3_lines;
mod p4_grep;
mod p5_operators;
mod p6_hop;
mod p7_gzip;
mod p8_parallel_gzip;
mod p9_gunzip;

use std::future::Future;

use crate::contestant::{Contestant, Role, Subject, Work};

/// In the order of the table.
pub(crate) const ALL: &[&Subject] = &[
    &p1_read::SUBJECT,
    &p2_copy::SUBJECT,
    &p3_lines::SUBJECT,
    &p4_grep::SUBJECT,
    &p5_operators::SUBJECT,
    &p15_ndjson::SUBJECT,
    &p21_csv::SUBJECT,
    &p22_text::UTF8,
    &p22_text::BASE64,
    &p22_text::FRAMES,
    &p6_hop::SUBJECT,
    &p23_merge::IDLE,
    &p23_merge::BUSY,
    &p24_progress::FILE,
    &p24_progress::CHUNKS,
    &p10_hash::SHA256,
    &p10_hash::BLAKE3,
    &p10_hash::CRC32,
    &p17_idle::SUBJECT,
    &p18_proxy::SUBJECT,
    &p11_cpu::LARGE,
    &p11_cpu::SMALL,
    &p12_waits::SUBJECT,
    &p12_waits::BUSY,
    &p13_batches::SUBJECT,
    &p14_rate_limit::TEN,
    &p14_rate_limit::THOUSAND,
    &p14_rate_limit::FIFTY_THOUSAND,
    &p14_rate_limit::MILLION,
    &p7_gzip::SUBJECT,
    &p7_gzip::FAST,
    &p8_parallel_gzip::SUBJECT,
    &p9_gunzip::SUBJECT,
    &p19_lateness::SUBJECT,
];

/// Shows what a process takes that does nothing.
pub(crate) const NOTHING: Subject = Subject {
    id: "P0",
    title: "nothing",
    work: Work::Items { count: 0, expected: |_| 0 },
    contestants: &[Contestant::items(Role::Limit, "nothing", |_| 0)],
    goals: &[],
};

/// Runs a future on a Tokio runtime of one thread; its blocking pool has its own, as ever.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_all()
        .build()
        .expect("the system has a thread and a poller left")
        .block_on(future)
}

/// What highwater reads at a time, and what its peers get where they let us choose.
const CHUNK: usize = 256 * 1024;
