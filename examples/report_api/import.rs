//! Orders as NDJSON, read as they come.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use highwater::HighWaterMark;
use highwater::json::Ndjson;
use highwater::record::{Failed, OnFailure};
use highwater_examples::OneLine;
use serde::{Deserialize, Serialize};

use crate::service::{Service, status_of};

/// What a line has to be.
#[derive(Debug, Deserialize)]
struct Order {
    #[expect(dead_code, reason = "an order without one is no order")]
    customer: String,
    cents: u64,
}

/// The answer.
#[derive(Debug, Default, Serialize)]
struct Imported {
    /// Good lines.
    orders: u64,
    /// Their sum.
    cents: u64,
    /// Bad lines.
    bad: u64,
    /// What is wrong with the first of them.
    errors: Vec<BadLine>,
    /// Why the rest was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

#[derive(Debug, Serialize)]
struct BadLine {
    /// From 1.
    line: u64,
    /// Where it begins in the body, in bytes from 0.
    byte: u64,
    error: String,
}

/// Reads orders off the runtime, and answers when all are read. A bad line is left out and listed; a body that breaks off,
/// is too long or too slow ends the import, and the answer says how far it came.
pub(crate) async fn import(State(service): State<Arc<Service>>, request: Request) -> Response {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let listed = Arc::clone(&errors);
    let policy = OnFailure::handle(move |bad| {
        let mut listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
        if listed.len() < LISTED {
            listed.push(describe(&bad));
        }
        Ok(())
    });
    let orders = Ndjson::<Order>::new().with_max_length(service.args.max_line).on_failure(policy);
    let (counts, mut imported) = (orders.counts(), Imported::default());
    let mut reading = service.body(request).offload(orders, HighWaterMark::items(1024));
    let mut status = StatusCode::OK;
    while let Some(order) = reading.next().await {
        match order {
            Ok(order) => {
                imported.orders += 1;
                imported.cents = imported.cents.saturating_add(order.cents);
            }
            Err(error) => {
                status = status_of(&error);
                imported.stopped = Some(OneLine(&error).to_string());
            }
        }
    }
    imported.bad = counts.failed();
    imported.errors = std::mem::take(&mut errors.lock().unwrap_or_else(PoisonError::into_inner));
    let json = serde_json::to_string(&imported).expect("numbers and texts");
    (status, [(CONTENT_TYPE, "application/json")], json + "\n").into_response()
}

fn describe(bad: &Failed<Bytes>) -> BadLine {
    let line = bad.error().line().unwrap_or_default();
    BadLine { line, byte: bad.offset().unwrap_or_default(), error: bad.error().to_string() }
}

/// So many bad lines are described; all are counted.
const LISTED: usize = 100;
