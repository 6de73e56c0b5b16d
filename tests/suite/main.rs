//! The integration tests: one binary, a module per subject.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by itself")]

mod batch_insert_program;
mod batching;
mod buffer;
mod cancel;
mod checksum_program;
mod closing;
mod conformance;
mod cooperative;
mod documents;
mod errors_in_order;
mod errors_program;
mod etl_program;
mod framed;
mod gz_program;
mod gzip;
mod hash;
mod http;
mod io;
mod multiplex_program;
mod node;
mod object;
mod operators;
mod orders_program;
mod pipeline;
mod rate_limit;
mod reliability;
mod report_api;
mod soak;
mod sql;
mod support;
mod text;
mod transform_protocol;
mod upload_program;
mod wakers;
mod when_idle;
