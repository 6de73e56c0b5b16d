//! Many streams over one connection, opened by both sides.
//!
//! A connection is anything that is read and written: a TCP socket, a pipe, a TLS session; and of a
//! [`Duplex`](highwater_core::Duplex) with a [`Writable`](highwater_core::Writable) the two sides together:
//! `tokio::io::join(readable.into_async_read(), writable)`. A [`Session`] carries many [streams](FramedStream) over it, each with a window of its own, so that one
//! that nobody reads stops nobody else.
//!
//! ```
//! use bytes::Bytes;
//! use highwater_core::{Readable, Result};
//! use highwater_mux::session::SessionConfig;
//! use tokio::io::{DuplexStream, duplex};
//!
//! async fn client(connection: DuplexStream) -> Result<Bytes> {
//!     let session = SessionConfig::new().client(connection);
//!     let (answer, request) = session.open().await?.split();
//!     Readable::once(Bytes::from("hello")).pipe_to(request).run().await?;
//!     let answer = answer.to_bytes().await?;
//!     session.finish().await?;
//!     Ok(answer)
//! }
//!
//! /// Sends back what comes, one stream after the other.
//! async fn server(connection: DuplexStream) -> Result<()> {
//!     let mut session = SessionConfig::new().server(connection);
//!     while let Some(stream) = session.next().await {
//!         let (request, answer) = stream?.split();
//!         request.pipe_to(answer).run().await?;
//!     }
//!     session.finish().await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let (near, far) = duplex(1024);
//! let (answer, ()) = tokio::try_join!(client(near), server(far))?;
//! assert_eq!(answer, "hello");
//! # Ok(()) }
//! ```
//!
//! # Ends
//!
//! - A stream has ended when the peer has [finished](highwater_core::Destination::finish) it. A reset is an error whose
//!   [`io_kind`](highwater_core::Error::io_kind) is `ConnectionReset`, a connection that is gone is an
//!   [`is_premature_close`](highwater_core::Error::is_premature_close) error, whatever came before: neither is ever an
//!   end.
//! - [`Session::finish`] goes away in peace: streams that are open go on to their ends, then the peer's
//!   [`next`](Session::next) gives `None`.
//! - A session that is dropped ends all its streams with an error, on both sides.
//!
//! # Limits and defaults
//!
//! | limit | default | to change it |
//! |---|---|---|
//! | streams at a time, of both sides, those that wait for [`next`](Session::next) included | 256 | [`SessionConfig::with_max_streams`] |
//! | bytes of a stream that wait to be read | 256 KiB | [`SessionConfig::with_spare_window`] |
//! | bytes by which busy windows may grow, all together | 16 MiB | [`SessionConfig::with_spare_window`] |
//! | bytes of a frame that comes | 1 MiB | none |
//! | bytes of a stream that are discarded after its readable was dropped | 256 KiB, then it is reset | none |
//! | bytes of a stream that gather before they are sent | 16 KiB | none |
//! | bytes of a stream that wait for the connection | 192 KiB | none |
//! | wait for the peer to close after a [`finish`](Session::finish) | 10 s | none |
//!
//! A stream of the peer beyond a limit is reset at once and [counted](Session::refused); one of our own is an
//! [`is_limit`](highwater_core::Error::is_limit) error. The connection itself holds 96 KiB.
//!
//! # The protocol
//!
//! It is [yamux](https://github.com/hashicorp/yamux/blob/master/spec.md). Its readers cannot tell a reset from an end, so
//! within a stream bytes come in records of a length, two bytes, the higher first, and as many bytes; the record without
//! bytes is the end. Both sides are therefore highwater.

mod discard;
mod driver;
mod handle;
mod records;
mod stream;
mod wire;

pub use handle::{Opener, Session, SessionConfig};
pub use records::RecordDecoder;
pub use stream::{FramedStream, Incoming, Outgoing};
