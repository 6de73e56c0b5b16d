//! The lock and the flags of the buffer: those of the standard library, or of the model checker that runs it.

#[cfg(not(any(hw_loom, hw_shuttle)))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[cfg(hw_loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[cfg(hw_shuttle)]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// True in a build that was asked for this mistake, with `--cfg seeded_bug="name"`: the tests must catch every one of them.
/// See `.ci/seeded`.
macro_rules! seeded {
    ($name:literal) => {
        cfg!(seeded_bug = $name)
    };
}
pub(crate) use seeded;
