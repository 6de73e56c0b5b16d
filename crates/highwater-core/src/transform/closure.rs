//! Node's push style, from closures.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use super::Transform;
use crate::error::{Error, Result};

/// Where a [`transform_fn`] pushes its output: Node's `this.push`.
#[derive(Debug)]
pub struct Out<O>(VecDeque<O>);

impl<O> Out<O> {
    /// Gives one more output. What one call pushes is held until it is read: for an expansion without bound, write a
    /// [`Transform`].
    pub fn push(&mut self, output: O) {
        self.0.push_back(output);
    }
}

/// Makes a machine of a state and a closure that is called for each chunk; [`flush`](TransformFn::flush) adds one for
/// the end. [`Readable::transform`](crate::Readable::transform) is the same as a method, where the types infer.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result, transform_fn};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let pairs = transform_fn(None, |held: &mut Option<u32>, chunk: u32, out| {
///     match held.take() {
///         Some(first) => out.push((first, chunk)),
///         None => *held = Some(chunk),
///     }
///     Ok(())
/// })
/// .flush(|held, out| {
///     if let Some(last) = held.take() {
///         out.push((last, 0));
///     }
///     Ok(())
/// });
/// assert_eq!(Readable::from_iter(1..=3).pipe(pairs).to_vec().await?, [(1, 2), (3, 0)]);
/// # Ok(()) }
/// ```
pub fn transform_fn<St, I, O, F>(state: St, each: F) -> TransformFn<St, I, O, F>
where
    F: FnMut(&mut St, I, &mut Out<O>) -> Result<()>,
{
    let out = Out(VecDeque::new());
    TransformFn { state, each, at_end: |_, _| Ok(()), out, failed: None, chunk: PhantomData }
}

type Nothing<St, O> = fn(&mut St, &mut Out<O>) -> Result<()>;

/// The machine made by [`transform_fn`].
pub struct TransformFn<St, I, O, F, G = Nothing<St, O>> {
    state: St,
    each: F,
    at_end: G,
    out: Out<O>,
    /// Met after something was pushed: given when that is read.
    failed: Option<Error>,
    chunk: PhantomData<fn(I)>,
}

impl<St, I, O, F, G> TransformFn<St, I, O, F, G> {
    /// What to do when the input is over: Node's `_flush`. Not called after an upstream error.
    pub fn flush<H>(self, at_end: H) -> TransformFn<St, I, O, F, H>
    where
        H: FnMut(&mut St, &mut Out<O>) -> Result<()>,
    {
        let Self { state, each, out, failed, chunk, .. } = self;
        TransformFn { state, each, at_end, out, failed, chunk }
    }
}

impl<St, I, O, F, G> fmt::Debug for TransformFn<St, I, O, F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransformFn").field("held", &self.out.0.len()).finish_non_exhaustive()
    }
}

impl<St, I, O, F, G> Transform for TransformFn<St, I, O, F, G>
where
    F: FnMut(&mut St, I, &mut Out<O>) -> Result<()>,
    G: FnMut(&mut St, &mut Out<O>) -> Result<()>,
{
    type Input = I;
    type Output = O;

    fn write(&mut self, chunk: I) -> Result<Option<O>> {
        self.failed = (self.each)(&mut self.state, chunk, &mut self.out).err();
        self.read()
    }

    fn read(&mut self) -> Result<Option<O>> {
        match (self.out.0.pop_front(), &mut self.failed) {
            (None, failed @ Some(_)) => failed.take().map_or(Ok(None), Err),
            (output, _) => Ok(output),
        }
    }

    fn end(&mut self) -> Result<()> {
        self.failed = (self.at_end)(&mut self.state, &mut self.out).err();
        Ok(())
    }

    fn name(&self) -> &'static str {
        "transform"
    }
}
