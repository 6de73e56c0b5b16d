//! Files, `AsyncRead` and `AsyncWrite`, under the faults of the real thing.

mod async_read;
mod async_write;
mod disk_full;
mod idle;
mod read_file;
mod replace_file;
mod system_faults;
mod write_file;
