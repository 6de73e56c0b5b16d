//! The requests and their answers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use highwater::prelude::*;
use highwater::{BoxReadable, Error, http};
use tokio::sync::Semaphore;

use crate::{Args, export, import};

/// What the requests share.
pub(crate) struct Service {
    pub(crate) args: Args,
    /// A permit for each report that may be made now.
    pub(crate) exports: Arc<Semaphore>,
}

pub(crate) fn router(args: &Args) -> Router {
    let exports = Arc::new(Semaphore::new(args.exports));
    Router::new()
        .route("/reports/export", get(export::export))
        .route("/import", post(import::import))
        .route("/echo", post(echo))
        .route("/ping", get(ping))
        .with_state(Arc::new(Service { args: args.clone(), exports }))
}

/// The endpoint that takes a millisecond, if the runtime is in time.
async fn ping() -> &'static str {
    tokio::time::sleep(Duration::from_millis(1)).await;
    "pong\n"
}

/// Sends the body back as it comes: it is read as fast as the client reads the answer.
async fn echo(State(service): State<Arc<Service>>, request: Request) -> Response {
    let length = http::length(request.body());
    let mut body = http::body(service.body(request));
    if let Some(length) = length {
        body = body.with_length(length);
    }
    ([(CONTENT_TYPE, "application/octet-stream")], Body::new(body)).into_response()
}

impl Service {
    /// The body of a request, with the limits that a stranger has.
    pub(crate) fn body(&self, request: Request) -> BoxReadable<Bytes> {
        let idle = Duration::from_secs(self.args.idle);
        http::read(request.into_body()).idle_timeout(idle).limit(self.args.max_body).boxed()
    }
}

/// What an error of a request's body is to the client.
pub(crate) fn status_of(error: &Error) -> StatusCode {
    match error {
        error if error.is_timeout() => StatusCode::REQUEST_TIMEOUT,
        error if error.is_limit() => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}
