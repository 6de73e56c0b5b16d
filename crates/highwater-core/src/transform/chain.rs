//! Two machines as one.

use super::Transform;
use crate::error::{Error, Result};

/// Two machines as one: what the first gives, the second takes.
///
/// In a pipeline, `.pipe(a).pipe(b)` does the same; a chain is for handing several machines around as one value, or for
/// driving them outside of a pipeline. An error is attributed to the machine that made it.
///
/// # Examples
///
/// ```
/// use highwater_core::operators::{Filter, Map};
/// use highwater_core::{Readable, Result};
/// use highwater_core::operators::Chain;
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
    /// How many chunks each of the two has taken.
    taken: [u64; 2],
}

/// What passes between the two machines.
///
/// ```text
///          release            first is read empty: second.release
///  Open ------------> Releasing ------------------------------------> Open
///   |                                     first is read empty: second.end
///   +---- end -------> Ending ---------------------------------------> Over
///   +---- first is done and read empty: second.end ------------------> Over
///   +---- first fails: second.release ---> Failing, second is read ---> Over, with the error
/// ```
#[derive(Debug, Clone)]
enum Link {
    Open,
    Releasing,
    Ending,
    Failing(Error),
    Over,
}

impl<A, B> Chain<A, B> {
    /// Makes one machine of two.
    pub fn new(first: A, second: B) -> Self {
        Self { first, second, link: Link::Open, taken: [0; 2] }
    }
}

impl<A: Transform, B: Transform<Input = A::Output>> Chain<A, B> {
    /// What the second machine holds whole comes before the error of the first.
    #[cold]
    fn first_failed(&mut self, error: Error) -> Result<()> {
        let error = error.attribute(self.first.name(), self.taken[0].checked_sub(1));
        match self.second.release() {
            Ok(()) => {
                self.link = Link::Failing(error);
                Ok(())
            }
            Err(later) => {
                self.link = Link::Over;
                Err(error.or_later(self.blame_second(later)))
            }
        }
    }

    #[cold]
    fn blame_second(&self, error: Error) -> Error {
        error.attribute(self.second.name(), self.taken[1].checked_sub(1))
    }

    #[inline]
    fn pass(&mut self, chunk: A::Output) -> Result<Option<B::Output>> {
        self.taken[1] += 1;
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
            Link::Over | Link::Failing(_) => return Ok(false),
        }
        Ok(true)
    }
}

impl<A: Transform, B: Transform<Input = A::Output>> Transform for Chain<A, B> {
    type Input = A::Input;
    type Output = B::Output;

    #[inline]
    fn write(&mut self, chunk: A::Input) -> Result<Option<B::Output>> {
        self.taken[0] += 1;
        match self.first.write(chunk) {
            Ok(Some(between)) => {
                if let Some(output) = self.pass(between)? {
                    return Ok(Some(output));
                }
            }
            Ok(None) => {}
            Err(error) => self.first_failed(error)?,
        }
        self.read()
    }

    #[inline]
    fn read(&mut self) -> Result<Option<B::Output>> {
        loop {
            match self.second.read() {
                Ok(Some(output)) => return Ok(Some(output)),
                Ok(None) => {}
                Err(error) => {
                    let later = self.blame_second(error);
                    return Err(match std::mem::replace(&mut self.link, Link::Over) {
                        Link::Failing(first) => first.or_later(later),
                        _ => later,
                    });
                }
            }
            if let Link::Failing(error) = &self.link {
                let error = error.clone();
                self.link = Link::Over;
                return Err(error);
            }
            if matches!(self.link, Link::Over) || self.second.is_done() {
                return Ok(None);
            }
            match self.first.read() {
                Err(error) => self.first_failed(error)?,
                Ok(Some(between)) => {
                    if let Some(output) = self.pass(between)? {
                        return Ok(Some(output));
                    }
                }
                Ok(None) => {
                    if !self.hand_on()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        if matches!(self.link, Link::Open) {
            self.link = Link::Ending;
            if let Err(error) = self.first.end() {
                self.first_failed(error)?;
            }
        }
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        if matches!(self.link, Link::Open) {
            self.link = Link::Releasing;
            if let Err(error) = self.first.release() {
                self.first_failed(error)?;
            }
        }
        Ok(())
    }

    /// The two are released together.
    fn flush_when_idle(&self) -> bool {
        matches!(self.link, Link::Open)
            && (self.first.flush_when_idle() || self.second.flush_when_idle())
    }

    #[inline]
    fn is_done(&self) -> bool {
        matches!(self.link, Link::Over) || self.first.is_done() || self.second.is_done()
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(self.first.max_bytes()? + self.second.max_bytes()?)
    }
}
