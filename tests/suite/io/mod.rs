//! Files, `AsyncRead` and `AsyncWrite`, under the faults of the real thing.

mod async_read;
mod async_write;
mod copy_duplex;
mod disk_full;
mod idle;
mod net;
#[cfg(unix)]
mod off_the_runtime;
mod process;
mod read_file;
#[cfg(target_os = "linux")]
mod replace_attributes;
mod replace_file;
#[cfg(target_os = "linux")]
mod standard_streams;
mod system_faults;
mod write_file;
