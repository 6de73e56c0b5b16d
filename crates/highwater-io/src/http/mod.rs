//! Bodies of HTTP messages, both ways, for whatever speaks the crate [`http-body`](http_body): hyper, axum, reqwest, tonic.
//!
//! - [`read()`]: the body of a request or a response as a readable;
//! - [`body()`]: a readable as the body of a request or a response.
//!
//! Both move a chunk when the other side asks for one, and hold none. Neither takes the middle of a body for its end: one
//! that breaks off is an error of the readable, and an error of a readable breaks the body off, so that the peer sees it.

mod body;
mod read;

pub use body::{Body, body};
pub use read::{BodySource, Trailers, length, read, read_with_trailers};
