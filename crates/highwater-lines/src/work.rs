//! Counts, in tests only, the bytes that were searched: the work must stay in proportion to the input.

#[cfg(test)]
thread_local! {
    static SEARCHED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
pub(crate) fn searched(bytes: usize) {
    SEARCHED.set(SEARCHED.get() + bytes);
}

#[cfg(not(test))]
#[inline]
pub(crate) fn searched(_bytes: usize) {}

/// What this thread has searched since it was asked last.
#[cfg(test)]
pub(crate) fn take_searched() -> usize {
    SEARCHED.take()
}
