//! A source and a destination that fit together.

use crate::destination::Destination;
use crate::readable::Source;

/// What a [`Readable`](crate::Readable) gives, a destination takes: for the bound of
/// [`pipe_to`](crate::Readable::pipe_to).
///
/// Every [`Destination`] is one for its chunks.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take chunks of type `{T}`",
    label = "this destination takes other chunks, or is none",
    note = "make its chunks of them: `.map(Bytes::from)` for text and vectors, `.map(|n| Bytes::from(format!(\"{{n}}\\n\")))` for numbers",
    note = "what is no destination yet: a closure goes through `.for_each(|chunk| async move {{ .. }})` or `destination_fn`, a `futures::Sink` through `from_sink`, an `AsyncWrite` through `highwater::io::write`"
)]
pub trait Takes<T>: Destination<Chunk = T> {}

#[diagnostic::do_not_recommend]
impl<D: Destination> Takes<D::Chunk> for D {}

/// A source and a destination that fit together: what a [`Pipeline`](crate::Pipeline) is made of.
///
/// Sealed: [`pipe_to`](crate::Readable::pipe_to) makes them.
pub trait Joint: sealed::Sealed {
    /// Where the chunks come from.
    type Source: Source<Chunk: Send>;
    /// Where they go.
    type Destination: Destination<Chunk = <Self::Source as Source>::Chunk>;

    /// The two sides.
    fn split(self) -> (Self::Source, Self::Destination);
}

pub(super) struct Joined<S, D>(pub(super) S, pub(super) D);

impl<S: Source<Chunk: Send>, D: Destination<Chunk = S::Chunk>> Joint for Joined<S, D> {
    type Source = S;
    type Destination = D;

    fn split(self) -> (S, D) {
        (self.0, self.1)
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}
    impl<S, D> Sealed for super::Joined<S, D> {}
}
