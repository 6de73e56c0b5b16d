//! Two machines as one.

use super::Transform;
use crate::{Error, Result};

/// Two machines as one: what the first gives, the second takes.
///
/// In a pipeline, `.pipe(a).pipe(b)` does the same; a chain is for handing several machines around as one value, or for
/// driving them outside of a pipeline. An error is attributed to the machine that made it.
///
/// # Examples
///
/// ```
/// use highwater_core::operators::{Filter, Map};
/// use highwater_core::{Chain, Readable, Result};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let even_squares = Chain::new(Filter::new(|x: &u32| x % 2 == 0), Map::new(|x| x * x));
/// assert_eq!(Readable::from_iter(0..6).pipe(even_squares).to_vec().await?, [0, 4, 16]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Chain<A, B> {
    first: A,
    second: B,
    link: Link,
}

/// What passes between the two machines.
///
/// ```text
///          release            first is read empty: second.release
///  Open ------------> Releasing ------------------------------------> Open
///   |                                     first is read empty: second.end
///   +---- end -------> Ending ---------------------------------------> Over
///   +---- first is done and read empty: second.end ------------------> Over
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Open,
    Releasing,
    Ending,
    Over,
}

impl<A, B> Chain<A, B> {
    /// Makes one machine of two.
    pub fn new(first: A, second: B) -> Self {
        Self { first, second, link: Link::Open }
    }
}

impl<A: Transform, B: Transform<Input = A::Output>> Chain<A, B> {
    #[cold]
    fn blame_first(&self, error: Error) -> Error {
        error.in_stage(self.first.name())
    }

    #[cold]
    fn blame_second(&self, error: Error) -> Error {
        error.in_stage(self.second.name())
    }

    #[inline]
    fn pass(&mut self, chunk: A::Output) -> Result<Option<B::Output>> {
        self.second.write(chunk).map_err(|error| self.blame_second(error))
    }

    /// The first machine gave all it has: hands on what was asked of the two. False when nothing was.
    fn hand_on(&mut self) -> Result<bool> {
        match self.link {
            Link::Releasing => {
                self.link = Link::Open;
                self.second.release().map_err(|error| self.blame_second(error))?;
            }
            Link::Open if !self.first.is_done() => return Ok(false),
            Link::Open | Link::Ending => {
                self.link = Link::Over;
                self.second.end().map_err(|error| self.blame_second(error))?;
            }
            Link::Over => return Ok(false),
        }
        Ok(true)
    }
}

impl<A: Transform, B: Transform<Input = A::Output>> Transform for Chain<A, B> {
    type Input = A::Input;
    type Output = B::Output;

    #[inline]
    fn write(&mut self, chunk: A::Input) -> Result<Option<B::Output>> {
        if let Some(between) = self.first.write(chunk).map_err(|error| self.blame_first(error))? {
            if let Some(output) = self.pass(between)? {
                return Ok(Some(output));
            }
        }
        self.read()
    }

    #[inline]
    fn read(&mut self) -> Result<Option<B::Output>> {
        loop {
            if let Some(output) = self.second.read().map_err(|error| self.blame_second(error))? {
                return Ok(Some(output));
            }
            if self.link == Link::Over || self.second.is_done() {
                return Ok(None);
            }
            match self.first.read().map_err(|error| self.blame_first(error))? {
                Some(between) => {
                    if let Some(output) = self.pass(between)? {
                        return Ok(Some(output));
                    }
                }
                None => {
                    if !self.hand_on()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        if self.link == Link::Open {
            self.link = Link::Ending;
            self.first.end().map_err(|error| self.blame_first(error))?;
        }
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        if self.link == Link::Open {
            self.link = Link::Releasing;
            self.first.release().map_err(|error| self.blame_first(error))?;
        }
        Ok(())
    }

    #[inline]
    fn is_done(&self) -> bool {
        self.link == Link::Over || self.first.is_done() || self.second.is_done()
    }

    fn holds(&self) -> Option<usize> {
        Some(self.first.holds()? + self.second.holds()?)
    }
}
