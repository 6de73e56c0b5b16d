//! A report: rows of CSV, made while they are sent.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use bytes::Bytes;
use highwater::csv::ToCsv;
use highwater::gzip::Gzip;
use highwater::operators::Chain;
use highwater::operators::FlatMap;
use highwater::prelude::*;
use highwater::source::FromIter;
use highwater::{BoxReadable, HighWaterMark, Readable, Result, Transform, http};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use crate::say;
use crate::service::Service;

/// One row of a report.
#[derive(Debug, Serialize)]
struct Row {
    id: u64,
    customer: String,
    city: &'static str,
    cents: u64,
}

impl Row {
    fn new(id: u64) -> Self {
        let city = ["Ulm", "Ys, the lost", "Köln", "Århus"][usize::from(id.to_le_bytes()[0] % 4)];
        Self {
            id,
            customer: format!("customer {}", id * 7919 % 100_003),
            city,
            cents: id * 104_729 % 1_000_000,
        }
    }
}

pub(crate) async fn export(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let Ok(permit) = Arc::clone(&service.exports).try_acquire_owned() else {
        let later = [(RETRY_AFTER, "1")];
        return (StatusCode::SERVICE_UNAVAILABLE, later, "too many reports\n").into_response();
    };
    let level = accepts_gzip(&headers).then_some(service.args.level);
    let watch = Watch { made: Arc::default(), rows: service.args.rows, _permit: permit };
    if !service.args.blocking {
        return answer(http::body(report(watch, level)), level.is_some());
    }
    match in_one_go(watch, level).await {
        Ok(report) => {
            let length = report.len() as u64;
            answer(http::body(Readable::once(report)).with_length(length), level.is_some())
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn answer(body: http::Body, packed: bool) -> Response {
    let about = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"report.csv\""),
        (VARY, "accept-encoding"),
    ];
    let coding = packed.then_some([(CONTENT_ENCODING, "gzip")]);
    (about, coding.map(AppendHeaders), Body::new(body)).into_response()
}

/// The report as it is sent: rows are made and compressed on the pool for blocking calls, no further ahead than to the
/// marks. When the client goes away, the body is dropped, and the work stops.
fn report(watch: Watch, level: Option<u32>) -> BoxReadable<Bytes> {
    let rows = watch.blocks().offload(watch.csv(), HighWaterMark::bytes(256 * 1024));
    let held = move |_: &Bytes| {
        let _until_the_end = &watch;
    };
    match level {
        Some(level) => rows.gzip(level).inspect(held).boxed(),
        None => rows.inspect(held).boxed(),
    }
}

/// The whole report, made by the task that answers, which gives way to nobody.
async fn in_one_go(watch: Watch, level: Option<u32>) -> Result<Bytes> {
    let rows = watch.blocks().pipe(watch.csv());
    match level {
        Some(level) => {
            let packed = rows.pipe(Gzip::new(level)).to_bytes_unlimited();
            tokio::task::coop::unconstrained(packed).await
        }
        None => tokio::task::coop::unconstrained(rows.to_bytes_unlimited()).await,
    }
}

/// Looks after one report: says when it was stopped, and lets the next one begin.
struct Watch {
    made: Arc<AtomicU64>,
    rows: u64,
    _permit: OwnedSemaphorePermit,
}

impl Watch {
    /// The first row of each block.
    fn blocks(&self) -> Readable<FromIter<impl Iterator<Item = u64> + use<>>> {
        Readable::from_iter((0..self.rows.div_ceil(BLOCK)).map(|n| n * BLOCK))
    }

    /// From blocks to CSV.
    fn csv(&self) -> impl Transform<Input = u64, Output = Bytes> + Send + 'static + use<> {
        let (made, rows) = (Arc::clone(&self.made), self.rows);
        let block = FlatMap::new(move |first: u64| {
            let last = rows.min(first + BLOCK);
            made.store(last, Relaxed);
            (first..last).map(Row::new)
        });
        Chain::new(block, ToCsv::new())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let made = self.made.load(Relaxed);
        if made < self.rows {
            say(format_args!("a report was stopped at row {made} of {}", self.rows));
        }
    }
}

/// Whether the client can take gzip: named, or meant by `*`, and not refused by `q=0`.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|field| field.to_str().ok());
    let codings = fields.flat_map(|field| field.split(',')).map(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse);
        (name.trim().to_ascii_lowercase(), weight.is_ok_and(|weight: f32| weight > 0.0))
    });
    let codings: HashMap<String, bool> = codings.collect();
    codings.get("gzip").or(codings.get("*")).is_some_and(|taken| *taken)
}

/// Rows that are made for one look at whether to go on.
const BLOCK: u64 = 1024;
